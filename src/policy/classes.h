/* SPDX-License-Identifier: ISC */
/*
 * classes: the finitely many kinds of requests that a policy can tell apart.
 *
 * For each field of a request (client address, login, certificate, sender, recipient, ...) all
 * constants of the configuration and of the access map are collected; between and beside them
 * requests cannot be distinguished.  Each class has one representative, a request that can really
 * be made.  Representatives whose signatures are equal (which predicates match them, and what the
 * theorems want to know of them) are one class.
 *
 * Built for one policy (the proof) or for several (what differs between two configurations); all
 * memory is the struct's own.  Pure.
 */
#ifndef POLICY_CLASSES_H
#define POLICY_CLASSES_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "policy/facts.h"
#include "policy/rules.h"

enum field {
	FIELD_CLIENT, FIELD_HOST, FIELD_CERT, FIELD_AUTH, FIELD_POP, FIELD_UID,
	FIELD_SENDER, FIELD_RCPT, FIELD_COUNT,
};
enum { SOURCES = FIELD_UID + 1, CLASSES_POLICIES = 2 };
/* What may turn out when the tables are asked.  The first two are walked both; the others are own
 * recipients that get no mail now, which no theorem speaks of. */
enum turn { TURN_EXISTS, TURN_MISSING, TURN_DISABLED, TURN_FULL, TURN_LATER, TURN_COUNT };
enum { WALK_TURNS = TURN_MISSING + 1 };

/* One class, by its representative; only the members of its field mean something. */
struct atom {
	struct ip ip, last;		/* CLIENT: first and last address of an interval */
	struct str name;		/* HOST, AUTH, POP: name; CERT: pin */
	bool trusted;			/* AUTH: by a mechanism that may grant relay */
	enum tls_verify verify;		/* CERT */
	const struct tls_peer *peer;	/* CERT; NULL: none */
	bool local;			/* UID */
	uint32_t uid;
	struct path path;		/* SENDER, RCPT */
	struct side {			/* for each policy */
		/* for the theorems: by the letter of the configuration, not by the rules */
		bool entitles;		/* sources: a declared grant names it */
		bool foreign;		/* RCPT: neither ours nor one we are said to relay for */
		bool own;		/* SENDER: in a domain of ours */
		enum dest dest[TURN_COUNT];	/* SENDER, RCPT */
		/* what distinguishes it */
		uint32_t rest;		/* all but grants and bindings */
		const uint64_t *runs;	/* sources: which runs of grants cover it */
		const uint64_t *fits;	/* SENDER: which narrowings it fits */
		const uint8_t *bind;	/* SENDER: may AUTH, POP, UID atoms write so (enum find) */
	} of[CLASSES_POLICIES];
};

/* Source grants in the order of the file; neighbours of one kind and narrowing are one run. */
struct runs {
	struct run { enum grant_kind kind; uint32_t narrow; const struct grant *first; } *run;
	size_t n;
	uint32_t *of_grant;		/* UINT32_MAX: no source grant */
	const struct grant **narrow;	/* one grant of each narrowing */
	size_t nnarrow;
};

/* A listener as the rules see it. */
struct door {
	const struct listener *l;
	bool unix_socket, tls;
	struct ip server_ip;
};

/* Predicates besides the configuration's: rules of a test. */
struct more_predicates {
	const struct net *net;
	size_t nnet;
	const struct str *name;
	size_t nname;
	void (*sign)(void *ctx, enum field field, const struct atom *a, struct buf *sig);
	void *ctx;
};

struct classes {
	const struct policy *policy[CLASSES_POLICIES];
	size_t npolicy;
	const struct ip *own;		/* addresses of this host, besides listeners' */
	size_t nown;
	const struct more_predicates *more;
	struct arena a;
	struct runs runs[CLASSES_POLICIES];
	struct atom *atom[FIELD_COUNT];
	size_t n[FIELD_COUNT], cap[FIELD_COUNT];
	uint64_t seen[FIELD_COUNT];	/* before merging */
	struct door *door;
	size_t ndoor;
	struct map index[FIELD_COUNT];	/* signature -> atom */
	struct map rest;		/* signature without grants -> number */
	uint32_t nrest;
	struct map names;		/* domains that the configurations name */
	struct buf sig;
	bool failed;			/* out of the memory it may use */
};

/* Collects and merges; false: too much to prove.  Free with classes_done in either case. */
bool classes_build(struct classes *c);
void classes_done(struct classes *c);

/* The facts of that source at that door, without sender and recipient; NULL atoms are nobody. */
struct facts class_facts(const struct door *d, const struct atom *const source[SOURCES]);
/* The class of a fact in that field: index of the atom, or -1 when it has none. */
ssize_t class_of(struct classes *c, enum field field, const struct atom *a);
/* A class in words. */
struct str class_text(enum field field, const struct atom *a, struct arena *mem);

/* ---- between the files of this part ---- */

/* Merges the representative in; its signature is taken here. */
void classes_add(struct classes *c, enum field field, struct atom a);
void classes_clients(struct classes *c);
void classes_names(struct classes *c);
void classes_people(struct classes *c);
void classes_addresses(struct classes *c);
/* A name is a constant of the configuration, and so are its parents. */
void classes_name(struct classes *c, struct str domain);
/* Words of an interned number; hits that differ in words alone are one. */
void sign_hit(struct buf *b, struct access_hit hit);
/* What the letter of the configuration says. */
bool letter_trusts(const struct policy *p, struct ip ip);
bool letter_trusts_host(const struct policy *p, struct str host);
/* foreign, and what a recipient can be. */
void letter_dest(const struct policy *p, const struct path *path, const struct classes *c,
    struct side *out);

#endif
