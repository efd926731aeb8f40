#include "alloc_count.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

static size_t count, bytes;

/* glibc's own, under the names it keeps for those who replace the public ones. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *p);

/* malloc stores the length of a block before it. */
static size_t weight(void *p)
{
	return p == NULL ? 0 : malloc_usable_size(p) + sizeof(size_t);
}

static void *note(void *p)
{
	count++;
	bytes += weight(p);
	return p;
}

bool alloc_count_works(void)
{
	return true;
}

size_t alloc_count(void)
{
	return count;
}

size_t alloc_bytes(void)
{
	return bytes;
}

void free(void *p)
{
	bytes -= weight(p);
	__libc_free(p);
}

void *malloc(size_t size)
{
	return note(__libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
	return note(__libc_calloc(n, size));
}

void *realloc(void *p, size_t size)
{
	size_t before = weight(p);
	void *moved = __libc_realloc(p, size);

	if (moved != NULL || size == 0)
		bytes -= before;
	return note(moved);
}

void *memalign(size_t alignment, size_t size)
{
	return note(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
	void *p = memalign(alignment, size);

	if (p == NULL)
		return ENOMEM;
	*out = p;
	return 0;
}
