/* SPDX-License-Identifier: ISC */
/*
 * cage: what a checking child of lookup gives up before its first question.
 *
 * It becomes lookup's user (for PAM it stays root without a capability, because pam_unix asks for
 * that), can write no file, start no program and look into no other process.
 */
#ifndef SASL_CAGE_H
#define SASL_CAGE_H

#include <stdbool.h>

struct config;

bool cage_enter_check(const struct config *cfg, bool pam);
/* How ps shows it; not longer than the name it had. */
void cage_title(const char *title);

#endif
