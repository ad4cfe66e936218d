/* SPDX-License-Identifier: ISC */
/*
 * image: building and reading.
 *
 * The builder keeps entries in one growing block and slots beside it, and writes both to a memfd
 * at the end.  1,000,000 entries of 50 bytes take about 120 MB while building, 70 MB after.
 * Called in lookup (builder, on a worker thread: nothing here is shared) and in all readers.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"
#include "base/num.h"
#include "table/image.h"

#define IMAGE_MAGIC UINT64_C(0x31474d4954534f50)	/* "POSTIMG1" */
enum { SEALS = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW };

struct head {
	uint64_t magic, size, nslot, nentry, entries;	/* entries: offset of the first */
	uint64_t key[2];
	uint64_t zero;
};

struct slot {
	uint32_t hash;
	uint32_t at;			/* offset / 8; 0: empty (the head is there) */
};

struct entry { uint32_t nkey, nvalue; };	/* then key, value, zeroes to a multiple of 8 */

struct image_builder {
	char *p;			/* entries */
	size_t n, cap;
	struct slot *slot;		/* at counts from the start of the entries, plus one */
	uint64_t nslot, nentry;
	uint64_t key[2];
};

static size_t
entry_size(size_t nkey, size_t nvalue)
{
	return num_round_up(sizeof(struct entry) + nkey + nvalue, 8);
}

struct image_builder *
image_builder_new(void)
{
	struct image_builder *b = calloc(1, sizeof *b);

	if (b == NULL)
		return NULL;
	b->nslot = 1024;
	b->slot = calloc(b->nslot, sizeof *b->slot);
	if (b->slot == NULL || getrandom(b->key, sizeof b->key, 0) != (ssize_t)sizeof b->key) {
		image_builder_free(b);
		return NULL;
	}
	return b;
}

void
image_builder_free(struct image_builder *b)
{
	if (b == NULL)
		return;
	free(b->p);
	free(b->slot);
	free(b);
}

static void
grow_slots(struct image_builder *b)
{
	uint64_t n = b->nslot * 2;
	struct slot *more = calloc(n, sizeof *more);

	if (more == NULL)
		abort();
	for (uint64_t i = 0; i < b->nslot; i++) {
		if (b->slot[i].at == 0)
			continue;
		const char *p = b->p + (size_t)(b->slot[i].at - 1) * 8;
		struct entry e;

		memcpy(&e, p, sizeof e);
		uint64_t h = siphash13(b->key, (struct str){ p + sizeof e, e.nkey });
		uint64_t k = h & (n - 1);

		while (more[k].at != 0)
			k = (k + 1) & (n - 1);
		more[k] = b->slot[i];
	}
	free(b->slot);
	b->slot = more;
	b->nslot = n;
}

static char *
entry_room(struct image_builder *b, size_t n)
{
	if (n > b->cap - b->n) {
		size_t cap = MAX(b->cap * 2, (size_t)65536);
		char *p;

		while (cap - b->n < n)
			cap *= 2;
		p = realloc(b->p, cap);
		if (p == NULL)
			abort();
		b->p = p;
		b->cap = cap;
	}
	b->n += n;
	return b->p + b->n - n;
}

bool
image_add(struct image_builder *b, struct str key, struct str value)
{
	uint64_t h = siphash13(b->key, key), k = h & (b->nslot - 1);
	struct entry e = { (uint32_t)key.n, (uint32_t)value.n };

	if (key.n > UINT32_MAX / 4 || value.n > UINT32_MAX / 4)
		return false;
	for (; b->slot[k].at != 0; k = (k + 1) & (b->nslot - 1)) {
		const char *p = b->p + (size_t)(b->slot[k].at - 1) * 8;
		struct entry old;

		memcpy(&old, p, sizeof old);
		if (b->slot[k].hash == (uint32_t)(h >> 32) &&
		    str_eq((struct str){ p + sizeof old, old.nkey }, key))
			return false;
	}

	size_t at = b->n, size = entry_size(key.n, value.n);
	char *p = entry_room(b, size);

	memset(p + size - 8, 0, 8);
	memcpy(p, &e, sizeof e);
	if (key.n > 0)
		memcpy(p + sizeof e, key.p, key.n);
	if (value.n > 0)
		memcpy(p + sizeof e + key.n, value.p, value.n);
	b->slot[k] = (struct slot){ (uint32_t)(h >> 32), (uint32_t)(at / 8 + 1) };
	if (++b->nentry * 3 > b->nslot * 2)
		grow_slots(b);
	return true;
}

static bool
write_all(int fd, const void *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		p = (const char *)p + w;
		n -= (size_t)w;
	}
	return true;
}

int
image_finish(struct image_builder *b)
{
	struct head h = { .magic = IMAGE_MAGIC, .nslot = b->nslot, .nentry = b->nentry,
	    .key = { b->key[0], b->key[1] } };
	int fd = memfd_create("tables", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	h.entries = sizeof h + b->nslot * sizeof *b->slot;
	h.size = h.entries + b->n;
	for (uint64_t i = 0; i < b->nslot; i++)
		if (b->slot[i].at != 0)
			b->slot[i].at += (uint32_t)(h.entries / 8 - 1);
	if (fd >= 0 && (h.size / 8 > UINT32_MAX || !write_all(fd, &h, sizeof h) ||
	    !write_all(fd, b->slot, b->nslot * sizeof *b->slot) || !write_all(fd, b->p, b->n) ||
	    fcntl(fd, F_ADD_SEALS, SEALS) != 0)) {
		(void)close(fd);
		fd = -1;
	}
	image_builder_free(b);
	return fd;
}

static bool
head_good(const struct head *h, size_t n)
{
	return h->magic == IMAGE_MAGIC && h->size == n && h->nslot > 0 &&
	    (h->nslot & (h->nslot - 1)) == 0 && h->nslot <= n / sizeof(struct slot) &&
	    h->entries == sizeof *h + h->nslot * sizeof(struct slot) && h->entries <= n &&
	    h->nentry < h->nslot;
}

bool
image_open(struct image *img, int fd)
{
	struct stat st;
	struct head h;
	void *p;

	*img = (struct image){};
	if (fcntl(fd, F_GET_SEALS) == -1 || (fcntl(fd, F_GET_SEALS) & SEALS) != SEALS)
		return false;
	if (fstat(fd, &st) != 0 || st.st_size < (off_t)sizeof h)
		return false;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return false;
	memcpy(&h, p, sizeof h);
	if (!head_good(&h, (size_t)st.st_size)) {
		(void)munmap(p, (size_t)st.st_size);
		return false;
	}
	*img = (struct image){ p, (size_t)st.st_size, h.nslot, h.nentry };
	return true;
}

void
image_close(struct image *img)
{
	if (img->p != NULL)
		(void)munmap((void *)(uintptr_t)img->p, img->n);
	*img = (struct image){};
}

/* The entry at that offset, if it lies wholly inside. */
static bool
entry_at(const struct image *img, uint64_t at, struct str *key, struct str *value)
{
	struct entry e;

	if (at < sizeof(struct head) || at > img->n - sizeof e)
		return false;
	memcpy(&e, img->p + at, sizeof e);
	if ((uint64_t)e.nkey + e.nvalue > img->n - at - sizeof e)
		return false;
	*key = (struct str){ img->p + at + sizeof e, e.nkey };
	*value = (struct str){ key->p + e.nkey, e.nvalue };
	return true;
}

bool
image_get(const struct image *img, struct str key, struct str *value)
{
	const struct head *h = (const void *)img->p;
	const struct slot *slot = (const void *)(img->p + sizeof *h);

	if (img->p == NULL)
		return false;

	uint64_t hash = siphash13(h->key, key), k = hash & (img->nslot - 1);

	for (uint64_t i = 0; i < img->nslot && slot[k].at != 0; i++) {
		struct str found;

		if (slot[k].hash == (uint32_t)(hash >> 32)) {
			if (!entry_at(img, (uint64_t)slot[k].at * 8, &found, value))
				return false;
			if (str_eq(found, key))
				return true;
		}
		k = (k + 1) & (img->nslot - 1);
	}
	return false;
}

bool
image_next(const struct image *img, uint64_t *at, struct str *key, struct str *value)
{
	const struct head *h = (const void *)img->p;

	if (img->p == NULL)
		return false;
	if (*at == 0)
		*at = h->entries;
	if (*at >= img->n || !entry_at(img, *at, key, value))
		return false;
	*at += entry_size(key->n, value->n);
	return true;
}
