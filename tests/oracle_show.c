/* Prints the oracle's matrix, UDP and TCP: oracle_show [PROFILE...]; all pairs of those named. */
#include <stdio.h>
#include <string.h>

#include "punch_oracle.h"

int main(int argc, char **argv)
{
	const struct nat_profile *list[128];
	struct punch_oracle o;
	size_t n = 0;

	for (int i = 1; i < argc && n < ARRAY_LEN(list); i++) {
		list[n] = nat_profile_find(argv[i]);
		if (list[n] == NULL) {
			fprintf(stderr, "no profile %s\n", argv[i]);
			return 2;
		}
		n++;
	}
	for (size_t i = 0; argc == 1 && i < nat_profile_count && n < ARRAY_LEN(list); i++)
		list[n++] = &nat_profiles[i];
	printf("%5s", "");
	for (size_t i = 0; i < n; i++)
		printf(" %4s", list[i]->id);
	for (size_t i = 0; i < n; i++) {
		printf("\n%5s", list[i]->id);
		for (size_t k = 0; k < n; k++) {
			if (k < i) {
				printf("     ");
				continue;
			}
			punch_oracle_ask(list[i], list[k], false, &o);
			printf("  %c/%c", punch_oracle_sign((enum punch_oracle_answer)o.udp),
			       punch_oracle_sign((enum punch_oracle_answer)o.tcp));
			fflush(stdout);
		}
	}
	printf("\n");
	return 0;
}
