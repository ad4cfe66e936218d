/* SPDX-License-Identifier: ISC */
/*
 * mime: the tree of a message, RFC 2046 5.1.
 *
 * No recursion: an explicit stack of open multiparts, and one pass over the lines.  A line that
 * begins with "--" is compared with the boundaries that are open, innermost first; a boundary of
 * an outer part closes the inner ones, as receivers must cope with (5.1.2).  message/rfc822 is
 * walked into.  Beyond MIME_DEPTH_MAX or MIME_PARTS_MAX a part is opaque.
 */
#include "mail/mime.h"

#include <string.h>

#include "base/ascii.h"

struct walker {
	struct arena *a;
	struct mime_part *open[MIME_DEPTH_MAX + 1];	/* multiparts whose boundary is awaited */
	struct str boundary[MIME_DEPTH_MAX + 1];
	struct mime_part *last[MIME_DEPTH_MAX + 1];	/* their newest child */
	unsigned depth;			/* of open multiparts */
	struct mime_part *leaf;		/* the part whose body is being passed, or NULL */
	unsigned parts;
	const char *end;
};

enum { PART_HEADER_MAX = 64 * 1024 };

/* A part whose header begins at text; body set to the rest. */
static struct mime_part *
new_part(struct walker *w, struct str text, unsigned depth)
{
	struct mime_part *p = arena_zalloc(w->a, sizeof *p);
	const struct field *f;

	w->parts++;
	if (p == NULL || !header_parse(str_sub(text, 0, PART_HEADER_MAX), w->a, 1000, &p->header))
		return NULL;
	p->depth = depth;
	p->body = str_skip(text, p->header.body_at);
	f = header_find(&p->header, STR("Content-Type"), 0);
	if (!mime_type_parse(f != NULL ? f->value : STR("text/plain"), w->a, &p->type))
		return NULL;
	if (!p->type.valid)
		(void)!mime_type_parse(STR("text/plain"), w->a, &p->type);
	f = header_find(&p->header, STR("Content-Transfer-Encoding"), 0);
	p->encoding = f != NULL ? mime_encoding_parse(f->value) : CTE_7BIT;
	return p;
}

/*
 * Looks whether a part is to be walked into: pushes a multipart, goes on into a message/rfc822.
 * False only when the arena is full.
 */
static bool
enter(struct walker *w, struct mime_part *p)
{
	while (p->depth < MIME_DEPTH_MAX && w->parts < MIME_PARTS_MAX &&
	       str_eq(p->type.type, STR("message")) && p->encoding <= CTE_BINARY &&
	       (str_eq(p->type.subtype, STR("rfc822")) ||
		str_eq(p->type.subtype, STR("global")))) {
		p->child = new_part(w, p->body, p->depth + 1);
		if (p->child == NULL)
			return false;
		p = p->child;
	}
	w->leaf = p;
	struct str boundary = mime_param(&p->type, STR("boundary"));

	if (str_eq(p->type.type, STR("multipart")) && boundary.n > 0 && boundary.n <= 200 &&
	    p->depth < MIME_DEPTH_MAX && w->depth < MIME_DEPTH_MAX) {
		w->open[w->depth] = p;
		w->boundary[w->depth] = boundary;
		w->last[w->depth] = NULL;
		w->depth++;
		w->leaf = NULL;
	}
	return true;
}

/* Which open multipart's delimiter the line is, or -1; *closes: it ends with "--". */
static int
delimiter(const struct walker *w, struct str line, bool *closes)
{
	if (!str_starts(line, STR("--")))
		return -1;
	line = str_skip(line, 2);
	for (int i = (int)w->depth - 1; i >= 0; i--) {
		struct str rest = str_skip(line, w->boundary[i].n);

		if (!str_starts(line, w->boundary[i]))
			continue;
		*closes = str_starts(rest, STR("--"));
		if (*closes)
			rest = str_skip(rest, 2);
		while (rest.n > 0 && ascii_isspace(rest.p[rest.n - 1]))
			rest.n--;
		if (str_empty(str_trim(rest)))
			return i;
	}
	return -1;
}

static void
end_body(struct mime_part *p, const char *at)
{
	/* The line end before a delimiter belongs to the delimiter. */
	if (at > p->body.p && at[-1] == '\n')
		at--;
	if (at > p->body.p && at[-1] == '\r')
		at--;
	p->body.n = at > p->body.p ? (size_t)(at - p->body.p) : 0;
}

/* Ends every part inside the multipart at level, and the newest part of that one. */
static void
close_inner(struct walker *w, unsigned level, const char *at)
{
	for (unsigned i = level; i < w->depth; i++) {
		struct mime_part *p = w->last[i];

		for (; p != NULL; p = p->child != NULL && p->child->next == NULL &&
				   str_eq(p->type.type, STR("message")) ? p->child : NULL)
			end_body(p, at);
	}
	if (w->leaf != NULL)
		end_body(w->leaf, at);
	w->leaf = NULL;
	w->depth = level + 1;
}

static bool
open_child(struct walker *w, unsigned level, const char *at)
{
	struct mime_part *parent = w->open[level], *child;

	if (w->parts >= MIME_PARTS_MAX)
		return true;
	child = new_part(w, str_from(at, (size_t)(w->end - at)), parent->depth + 1);
	if (child == NULL)
		return false;
	if (w->last[level] == NULL)
		parent->child = child;
	else
		w->last[level]->next = child;
	w->last[level] = child;
	return enter(w, child);
}

struct mime_part *
mime_parse(struct str text, struct arena *a)
{
	struct walker w = { .a = a, .end = str_skip(text, text.n).p };
	struct mime_part *root = new_part(&w, text, 0);
	const char *p;

	if (root == NULL || !enter(&w, root))
		return NULL;
	p = root->body.p;
	while (w.depth > 0 && p < w.end) {
		const char *lf = memchr(p, '\n', (size_t)(w.end - p));
		const char *next = lf != NULL ? lf + 1 : w.end;
		bool closes = false;
		int level = *p == '-' ? delimiter(&w, str_from(p, (size_t)(next - p)), &closes)
				      : -1;

		if (level >= 0) {
			close_inner(&w, (unsigned)level, p);
			if (closes) {
				w.depth = (unsigned)level;
				w.last[level] = NULL;
			} else if (!open_child(&w, (unsigned)level, next)) {
				return NULL;
			}
		}
		p = next;
	}
	return root;
}
