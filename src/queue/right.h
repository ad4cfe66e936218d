/* SPDX-License-Identifier: ISC */
/*
 * right: may a local uid send there?  The answer the local socket would give, for mail that was
 * left while no server listened.  Pure.
 */
#ifndef QUEUE_RIGHT_H
#define QUEUE_RIGHT_H

#include "conf/config.h"
#include "mail/path.h"

bool right_to_send(const struct config *cfg, uint32_t uid, const struct path *sender,
    const struct path *to);

#endif
