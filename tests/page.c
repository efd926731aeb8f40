#include "page.h"

#include <stdlib.h>

FILE *open_page(struct page *p)
{
	*p = (struct page){ 0 };
	p->out = open_memstream(&p->text, &p->len);
	if (p->out == NULL)
		abort();
	return p->out;
}
