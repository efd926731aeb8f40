# Compiler flags: warnings, hardening, sanitizers, fuzzers, coverage.
# Each macro appends to NATKIT_CFLAGS / NATKIT_LDFLAGS, which Makefile.am puts
# into AM_CFLAGS / AM_LDFLAGS, so that the user's own CFLAGS still come last.

# NATKIT_TRY_CFLAG(FLAG): append FLAG to NATKIT_CFLAGS if the compiler takes it.
AC_DEFUN([NATKIT_TRY_CFLAG], [
	AC_MSG_CHECKING([whether $CC accepts $1])
	natkit_saved_cflags=$CFLAGS
	CFLAGS="$CFLAGS -Werror $1"
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
		[AC_MSG_RESULT([yes]); NATKIT_CFLAGS="$NATKIT_CFLAGS $1"],
		[AC_MSG_RESULT([no])])
	CFLAGS=$natkit_saved_cflags
])

# NATKIT_TRY_LDFLAG(FLAG): the same for linking.
AC_DEFUN([NATKIT_TRY_LDFLAG], [
	AC_MSG_CHECKING([whether linking accepts $1])
	natkit_saved_ldflags=$LDFLAGS
	LDFLAGS="$LDFLAGS $1"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
		[AC_MSG_RESULT([yes]); NATKIT_LDFLAGS="$NATKIT_LDFLAGS $1"],
		[AC_MSG_RESULT([no])])
	LDFLAGS=$natkit_saved_ldflags
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
	AS_IF([test "x$enable_sanitizers" != xno], [enable_hardening="no (sanitizers are on)"])
	AS_IF([test "x$enable_hardening" = xyes], [
		NATKIT_TRY_CFLAG([-fstack-protector-strong])
		NATKIT_TRY_CFLAG([-fstack-clash-protection])
		NATKIT_TRY_CFLAG([-fcf-protection])
		NATKIT_TRY_CFLAG([-fPIE])
		NATKIT_TRY_CFLAG([-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -O2])
		NATKIT_TRY_LDFLAG([-pie])
		NATKIT_TRY_LDFLAG([-Wl,-z,relro])
		NATKIT_TRY_LDFLAG([-Wl,-z,now])
	])
])

AC_DEFUN([NATKIT_SANITIZERS], [
	AS_IF([test "x$enable_sanitizers" != xno], [
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
		natkit_saved_cflags=$CFLAGS
		CFLAGS="$CFLAGS -fsanitize=fuzzer-no-link"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])], [],
			[AC_MSG_ERROR([--enable-fuzzers needs clang: run configure with CC=clang])])
		CFLAGS=$natkit_saved_cflags
		NATKIT_CFLAGS="$NATKIT_CFLAGS -fsanitize=fuzzer-no-link"
	])
	AM_CONDITIONAL([FUZZERS], [test "x$enable_fuzzers" = xyes])
])

AC_DEFUN([NATKIT_COVERAGE], [
	AC_ARG_ENABLE([coverage],
		[AS_HELP_STRING([--enable-coverage], [instrument for gcov])],
		[], [enable_coverage=no])
	AS_IF([test "x$enable_coverage" = xyes], [
		NATKIT_CFLAGS="$NATKIT_CFLAGS --coverage -O0"
		NATKIT_LDFLAGS="$NATKIT_LDFLAGS --coverage"
	])
])
