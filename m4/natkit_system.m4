# What the operating system offers; each answer chooses between two files.
AC_DEFUN([NATKIT_SYSTEM], [
	AC_ARG_ENABLE([portable],
		[AS_HELP_STRING([--enable-portable],
			[build without what only Linux has, for testing the fallbacks])],
		[], [enable_portable=no])
	natkit_batched_udp=yes
	AC_CHECK_FUNC([recvmmsg], [], [natkit_batched_udp=no])
	AC_CHECK_FUNC([sendmmsg], [], [natkit_batched_udp=no])
	AC_CHECK_DECL([IP_PKTINFO], [], [natkit_batched_udp=no], [[#include <netinet/in.h>]])
	AC_CHECK_DECL([SO_BINDTODEVICE], [], [natkit_batched_udp=no], [[#include <sys/socket.h>]])
	natkit_rtnetlink=yes
	AC_CHECK_HEADER([linux/rtnetlink.h], [], [natkit_rtnetlink=no])
	natkit_no_new_privs=yes
	AC_CHECK_DECL([PR_SET_NO_NEW_PRIVS], [], [natkit_no_new_privs=no], [[#include <sys/prctl.h>]])
	AS_IF([test "x$enable_portable" = xyes],
		[natkit_batched_udp=no; natkit_rtnetlink=no; natkit_no_new_privs=no])
	# Tests count allocations by standing in for glibc's malloc; sanitizers do so themselves.
	natkit_count_allocations=yes
	AC_CHECK_FUNC([__libc_malloc], [], [natkit_count_allocations=no])
	AC_CHECK_FUNC([__libc_memalign], [], [natkit_count_allocations=no])
	AS_IF([test "x$enable_sanitizers" != xno], [natkit_count_allocations=no])
	AM_CONDITIONAL([BATCHED_UDP], [test "x$natkit_batched_udp" = xyes])
	AM_CONDITIONAL([NO_NEW_PRIVS], [test "x$natkit_no_new_privs" = xyes])
	AM_CONDITIONAL([RTNETLINK], [test "x$natkit_rtnetlink" = xyes])
	AM_CONDITIONAL([COUNT_ALLOCATIONS], [test "x$natkit_count_allocations" = xyes])
])
