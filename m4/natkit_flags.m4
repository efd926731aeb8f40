# Compiler flags: warnings, hardening, sanitizers, fuzzers, coverage.
# Each macro appends to NATKIT_CFLAGS / NATKIT_LDFLAGS, which Makefile.am puts
# into AM_CFLAGS / AM_LDFLAGS, so that the user's own CFLAGS still come last.

# NATKIT_TRY_CFLAG(FLAG, [INCLUDES]): append FLAG to NATKIT_CFLAGS if the compiler takes it.
AC_DEFUN([NATKIT_TRY_CFLAG], [
	AC_MSG_CHECKING([whether $CC accepts $1])
	natkit_saved_cflags=$CFLAGS
	CFLAGS="$1 $CFLAGS -Werror"
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM([$2], [])],
		[AC_MSG_RESULT([yes]); NATKIT_CFLAGS="$NATKIT_CFLAGS $1"],
		[AC_MSG_RESULT([no])])
	CFLAGS=$natkit_saved_cflags
])

# NATKIT_TRY_LDFLAG(FLAG): the same for linking.
AC_DEFUN([NATKIT_TRY_LDFLAG], [
	AC_MSG_CHECKING([whether linking accepts $1])
	natkit_saved_ldflags=$LDFLAGS
	natkit_saved_cflags=$CFLAGS
	CFLAGS="$NATKIT_CFLAGS $CFLAGS"
	LDFLAGS="$LDFLAGS $1"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
		[AC_MSG_RESULT([yes]); NATKIT_LDFLAGS="$NATKIT_LDFLAGS $1"],
		[AC_MSG_RESULT([no])])
	LDFLAGS=$natkit_saved_ldflags
	CFLAGS=$natkit_saved_cflags
])

# NATKIT_NEED_FLAG(FLAG, WHAT FOR): like the above for both, but its absence is an error.
AC_DEFUN([NATKIT_NEED_FLAG], [
	AC_MSG_CHECKING([whether $CC can build with $1])
	natkit_saved_cflags=$CFLAGS
	CFLAGS="$CFLAGS $1"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AC_MSG_RESULT([yes])],
		[AC_MSG_RESULT([no]); AC_MSG_ERROR([$2])])
	CFLAGS=$natkit_saved_cflags
])

AC_DEFUN([NATKIT_WARNINGS], [
	AC_SUBST([NATKIT_CFLAGS])
	AC_SUBST([NATKIT_LDFLAGS])
	NATKIT_CFLAGS="-std=gnu11"
	for flag in -Wall -Wextra -Wshadow -Wconversion -Wformat=2 -Wmissing-prototypes \
		-Wvla -Wno-unused-parameter; do
		NATKIT_CFLAGS="$NATKIT_CFLAGS $flag"
	done
	AC_ARG_ENABLE([werror],
		[AS_HELP_STRING([--enable-werror], [treat compiler warnings as errors])],
		[], [enable_werror=no])
	AS_IF([test "x$enable_werror" = xyes], [NATKIT_CFLAGS="$NATKIT_CFLAGS -Werror"])
])

# _FORTIFY_SOURCE warns without optimization, and a distribution may have set its own level.
AC_DEFUN([NATKIT_FORTIFY], [
	AC_PREPROC_IFELSE([AC_LANG_SOURCE([
#ifdef _FORTIFY_SOURCE
#error "set already"
#endif
	])], [NATKIT_TRY_CFLAG([-D_FORTIFY_SOURCE=2], [[#include <stdio.h>]])])
])

# On unless a sanitizer is on (they do not mix with _FORTIFY_SOURCE).
AC_DEFUN([NATKIT_HARDENING], [
	AC_ARG_ENABLE([hardening],
		[AS_HELP_STRING([--disable-hardening], [build without hardening flags])],
		[], [enable_hardening=yes])
	AC_ARG_ENABLE([sanitizers],
		[AS_HELP_STRING([--enable-sanitizers=LIST],
			[address,undefined (the default LIST) or thread])],
		[], [enable_sanitizers=no])
	AS_IF([test "x$enable_sanitizers" = xyes], [enable_sanitizers=address,undefined])
	natkit_hardening=off
	AS_IF([test "x$enable_sanitizers" != xno], [natkit_hardening="off (sanitizers are on)"],
		[test "x$enable_hardening" = xyes], [
		natkit_hardening=on
		NATKIT_TRY_CFLAG([-fstack-protector-strong])
		NATKIT_TRY_CFLAG([-fstack-clash-protection])
		NATKIT_TRY_CFLAG([-fcf-protection])
		NATKIT_TRY_CFLAG([-fPIE])
		NATKIT_FORTIFY
		NATKIT_TRY_LDFLAG([-pie])
		NATKIT_TRY_LDFLAG([-Wl,-z,relro])
		NATKIT_TRY_LDFLAG([-Wl,-z,now])
	])
])

AC_DEFUN([NATKIT_SANITIZERS], [
	AS_IF([test "x$enable_sanitizers" != xno], [
		NATKIT_NEED_FLAG([-fsanitize=$enable_sanitizers],
			[--enable-sanitizers=$enable_sanitizers does not work with $CC; for clang install libclang-rt-dev (Debian 12: libclang-rt-14-dev)])
		natkit_san="-fsanitize=$enable_sanitizers -fno-omit-frame-pointer -fno-sanitize-recover=all"
		NATKIT_CFLAGS="$NATKIT_CFLAGS $natkit_san"
		NATKIT_LDFLAGS="$NATKIT_LDFLAGS -fsanitize=$enable_sanitizers"
	])
])

AC_DEFUN([NATKIT_FUZZERS], [
	AC_ARG_ENABLE([fuzzers],
		[AS_HELP_STRING([--enable-fuzzers], [build the libFuzzer targets (needs clang)])],
		[], [enable_fuzzers=no])
	AS_IF([test "x$enable_fuzzers" = xyes], [
		NATKIT_NEED_FLAG([-fsanitize=fuzzer-no-link],
			[--enable-fuzzers needs clang and its runtime: install clang and libclang-rt-dev (Debian 12: libclang-rt-14-dev), and run configure with CC=clang])
		NATKIT_CFLAGS="$NATKIT_CFLAGS -fsanitize=fuzzer-no-link"
	])
	AM_CONDITIONAL([FUZZERS], [test "x$enable_fuzzers" = xyes])
])

# Without optimization, unless the user wants some: lines that are merged cannot be counted.
AC_DEFUN([NATKIT_COVERAGE], [
	AC_ARG_ENABLE([coverage],
		[AS_HELP_STRING([--enable-coverage], [instrument for gcov])],
		[], [enable_coverage=no])
	AS_IF([test "x$enable_coverage" = xyes], [
		NATKIT_NEED_FLAG([--coverage],
			[--enable-coverage does not work with $CC; for clang install libclang-rt-dev (Debian 12: libclang-rt-14-dev)])
		AS_IF([test $natkit_cflags_from = autoconf], [CFLAGS="-g -O0"])
		NATKIT_CFLAGS="$NATKIT_CFLAGS --coverage"
		NATKIT_LDFLAGS="$NATKIT_LDFLAGS --coverage"
	])
])
