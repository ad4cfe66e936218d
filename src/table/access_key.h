/* SPDX-License-Identifier: ISC */
/*
 * access_key: the parts of a line of the access map, and how they become keys of the image.
 *
 * Shared by the reader (access_line.c, access_build.c) and the look-ups (access.c).  Owns nothing:
 * slices point into the line or into the caller's room.
 */
#ifndef TABLE_ACCESS_KEY_H
#define TABLE_ACCESS_KEY_H

#include "base/cur.h"
#include "table/access.h"
#include "table/key.h"

enum {
	ACCESS_HOST = 'h', ACCESS_ADDRESS = 'a', ACCESS_USER = 'u', ACCESS_NET = 'n',
	ACCESS_BRACKET = 'b', ACCESS_DEFAULT = 'd', ACCESS_DN = 's',
	ACCESS_LENGTHS = 'L',		/* which lengths networks have: bits, IPv4 then IPv6 */
	ACCESS_FLAGS = 'G',		/* one octet: 1 names of hosts stand in the map */
	ACCESS_RELAY = 'R',		/* list of RELAY lines: key is their number */
	ACCESS_LENGTHS_SIZE = 5 + 17,
	ACCESS_VALUE_HEAD = 5,		/* act, line */
	ACCESS_TEXT_MAX = 1024,
};

struct access_line {
	enum access_tag tag;
	struct str own;			/* ACC_OWN: the tag */
	char form;
	struct str name;		/* of HOST, ADDRESS, USER (with '@'), DN */
	struct net net;			/* of NET, BRACKET */
	enum access_act act;
	struct str text;		/* in the room given */
};

/* One line.  room holds texts that are not slices of the line.  notice (or NULL) is something the
 * administrator should know although the line is good; a line with form 0 has no effect. */
bool access_line_parse(struct str line, struct buf *room, struct access_line *out,
    const char **notice, struct perr *err);

/* The key of that form; false: too long to be in any map. */
bool access_key(struct key *k, struct str file, enum access_tag tag, char form, struct str name);
bool access_net_key(struct key *k, struct str file, enum access_tag tag, char form,
    struct net net);
/* A certificate's name as keys are written: one spelling for all that are equal. */
bool access_dn(struct str name, struct buf *out);

#endif
