#!/bin/bash
# natprobe --html in headless Chromium: a page that was made behind a NAT is opened in light, in dark
# and on paper, without a complaint, a script or a look at anything else. The picture in README.md is
# taken here: with NATKIT_PICTURE=FILE in the environment it is made anew, in half a minute.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
picture=${NATKIT_PICTURE:+$(realpath -m "$NATKIT_PICTURE")} # before the directory may change
lab_enter "$@"
lab_need chromium jq python3

builddir=$(cd "${builddir:-.}" && pwd)
natlab=$builddir/tests/natlab/natlab
natprobe=$builddir/natprobe/natprobe
look=${srcdir:-.}/tests/html_look.py
export PATH=$builddir/natprobe:$builddir/stund:$PATH
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
why=$("$natlab" run open-internet -- true 2>&1) || lab_skip "$why"

# looks WHAT...: what html_look.py says about files.
looks() {
	python3 -B "$look" "$@" || fail "html_look.py $*"
}

# opens PAGE ARGUMENT...: Chromium ends well, and has nothing to complain about.
opens() {
	HOME=$tmp timeout 60 chromium --headless --no-sandbox --disable-gpu --no-first-run \
		--disable-background-networking --disable-component-update --disable-sync \
		--disable-dev-shm-usage --hide-scrollbars --enable-logging=stderr \
		--user-data-dir="$tmp/profile" "${@:2}" "file://$tmp/$1" > "$tmp/out" 2> "$tmp/err" ||
		fail "Chromium ended with $?: $(tail -n 3 "$tmp/err")"
	# Its own pages complain as well, of fonts that it has not fetched.
	if grep CONSOLE "$tmp/err" | grep -v 'source: chrome'; then
		fail "$1: Chromium complains"
	fi
}

echo "# a page, and the same one from the JSON that was saved"
"$natlab" run home-router --delay 20ms --loss 3% -- "$natprobe" --json --html "$tmp/page.html" \
	> "$tmp/page.json" || fail "natprobe ended with $?"
"$natprobe" show --quiet --html "$tmp/again.html" "$tmp/page.json" > "$tmp/out" || fail "show ended with $?"
cmp "$tmp/page.html" "$tmp/again.html" || fail "the page of the saved report is another one"
looks page "$tmp/page.html" "$tmp/page.json"

echo "# masked"
mapped=$(jq -r '.interfaces[0].mapped | sub(":[0-9]+$"; "")' "$tmp/page.json")
grep -qF "$mapped" "$tmp/page.html" || fail "$mapped is not in the page"
"$natprobe" show --quiet --redact --html "$tmp/masked.html" "$tmp/page.json" > "$tmp/out" ||
	fail "show --redact ended with $?"
! grep -qF "$mapped" "$tmp/masked.html" || fail "$mapped is in the masked page"

echo "# what goes wrong"
"$natprobe" show --quiet --html /dev/full "$tmp/page.json" > "$tmp/out" 2> "$tmp/err"
[ $? = 1 ] || fail "a full disk is not told"
"$natprobe" show --html - "$tmp/page.json" > "$tmp/out" 2> "$tmp/err"
[ $? = 2 ] || fail "standard output has two reports"
"$natprobe" --html "$tmp/one" --junit "$tmp/one" > "$tmp/out" 2> "$tmp/err"
[ $? = 2 ] || fail "two reports go to one file"

echo "# light, dark, narrow, on paper"
size=1060,1290
opens page.html --window-size=$size --screenshot="$tmp/light.png"
opens page.html --window-size=$size --screenshot="$tmp/dark.png" \
	--blink-settings=preferredColorScheme=0
opens page.html --window-size=390,900 --screenshot="$tmp/narrow.png"
opens page.html --no-pdf-header-footer --print-to-pdf="$tmp/page.pdf"
looks pictures "$tmp/light.png" "$tmp/dark.png" "$tmp/narrow.png" "$tmp/page.pdf"

echo "# the judge judges"
sed 's|<main>|<main><script>document.title = "seen"</script>|' "$tmp/page.html" > "$tmp/bad.html"
(opens bad.html --dump-dom) > "$tmp/said"
grep -q 'Chromium complains' "$tmp/said" || fail "a script is no reason to complain: $(cat "$tmp/said")"
! python3 -B "$look" page "$tmp/bad.html" "$tmp/page.json" 2> "$tmp/err" ||
	fail "a page with a script is taken"

# With a NAT that forgets early, so that the ladder of lifetimes is short.
if [ -n "$picture" ]; then
	echo "# the picture in README.md"
	"$natlab" run fleeting --delay 20ms --loss 1% -- "$natprobe" --deep --longest 1m \
		--html "$tmp/deep.html" > "$tmp/out" || fail "natprobe --deep ended with $?"
	opens deep.html --window-size=1060,1740 --screenshot="$tmp/deep.png"
	looks smaller "$tmp/deep.png" "$picture"
fi
exit "$failed"
