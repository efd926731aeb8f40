/* procs - servers that a benchmark starts, measures and ends. */
#ifndef NATKIT_BENCH_PROCS_H
#define NATKIT_BENCH_PROCS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Keeps this process on one CPU, and what it starts from now on to the others: a server that
 * shares a CPU with its clients is preempted by them, and pays for that. Returns false, and
 * changes nothing, where there is one CPU only.
 */
bool procs_split_cpus(void);

/*
 * Starts a program, its output thrown away unless `loud`. It dies with us.
 * Returns its process id, or -errno; a program that cannot be run ends with status 127.
 */
pid_t procs_start(char *const argv[], bool loud);

/* The same for a function of ours in a process of its own. */
pid_t procs_fork(int (*run)(void *arg), void *arg);

/* Ends a process and waits for it. 0 or less is fine. */
void procs_stop(pid_t pid);

/* It has not ended. */
bool procs_is_alive(pid_t pid);

/* CPU time of all threads of a process so far, by the scheduler; 0: not known. */
uint64_t procs_cpu_ns(pid_t pid);

/* Memory of a process that is in RAM, in bytes; 0: not known. */
uint64_t procs_memory(pid_t pid);

#endif
