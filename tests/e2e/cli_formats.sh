# The other formats, as those who read them would: JSON that parses, SARIF with both stacks, JUnit that
# is XML, GitHub's lines, a manual page without complaints, one page of HTML that needs no other.
. tests/e2e/lib
build racy
try "$race" --save="$work/saved" --output "json:$work/r.json" --output "sarif:$work/r.sarif" \
    --output "junit:$work/r.xml" --output "github:$work/r.github" --output "man:$work/r.7" \
    --output "html:$work/r.html" --output "text:$work/r.txt" "$work/racy"
want_status 66

py() { # FILE PROGRAM
    command -v python3 >/dev/null 2>&1 || return 0
    what="python3 check of $1"
    timeout 120 python3 -c "$2" "$1" >"$out" 2>"$err" || wrong "$(tail -n 1 "$err")"
}
py "$work/r.json" '
import json, sys
lines = [json.loads(l) for l in open(sys.argv[1])]
assert len(lines) >= 1, "no finding"
assert any("racy.c" in json.dumps(l) for l in lines), "no file name"
assert not any("0x" in k for l in lines for k in l), "an address is a key"'
py "$work/r.sarif" '
import json, sys
s = json.load(open(sys.argv[1]))
assert s["version"] == "2.1.0"
r = s["runs"][0]["results"]
assert len(r) == 1, r
flows = [f for c in r[0]["codeFlows"] for f in c["threadFlows"]]
assert len(flows) >= 2, "not both stacks"
assert r[0]["partialFingerprints"], "no fingerprint"'
py "$work/r.xml" '
import sys, xml.dom.minidom
d = xml.dom.minidom.parse(sys.argv[1])
assert d.getElementsByTagName("failure"), "no failure"'
py "$work/r.html" '
import sys, html.parser, re
t = open(sys.argv[1]).read()
html.parser.HTMLParser().feed(t)
assert not re.search(r"(src|href)=.https?:", t), "it loads something"
assert "racy.c" in t and "DATA RACE" in t.upper()'
what='github lines'
grep -qE '^::error file=[^,]*racy\.c,line=7' "$work/r.github" || wrong "$(head -n 2 "$work/r.github")"
what='manual page'
if command -v mandoc >/dev/null 2>&1; then
    mandoc -Tlint -Wwarning "$work/r.7" >"$out" 2>&1 || wrong "mandoc complains"
    ! mandoc -Tlint "$work/r.7" | grep -v 'referenced manual not found' || wrong "mandoc has suggestions"
    mandoc -Tascii "$work/r.7" 2>/dev/null | col -b | grep -q 'racy.c' || wrong "no file name in it"
fi

# Rendered again from the saved records, each is what it was.
for f in json sarif junit github html text; do
    try "$race" report --format "$f" "$work/saved"
    [ -s "$out" ] || wrong "nothing for $f"
done

# Two runs of one bug, merged: one finding, and the same fingerprint.
try "$race" --save="$work/again" "$work/racy"
try "$race" report "$work/saved" "$work/again"
[ "$(cat "$out" "$err" | grep -c 'WARNING: DATA RACE')" -eq 1 ] || wrong "not merged"
py "$work/r.sarif" "
import json, subprocess, sys
def prints(args):
    s = json.loads(subprocess.run(['$race', 'report', '--format', 'sarif'] + args, stdout=subprocess.PIPE).stdout)
    return [r['partialFingerprints'] for r in s['runs'][0]['results']]
a, b = prints(['$work/saved']), prints(['$work/again'])
assert a == b, (a, b)"

# Every kind of finding, and a crash after them, as a manual page and a page of HTML.
cat >"$work/mix.c" <<'EOF'
#include "turns.h"
static goc_mutex first, second;
int shared, *volatile nowhere;
static void set(int v)
{
    shared = v;
}
static void forth(void)
{
    goc_mutex_lock(&first);
    goc_mutex_lock(&second);
    goc_mutex_unlock(&second);
    goc_mutex_unlock(&first);
}
static void back(void)
{
    goc_mutex_lock(&second);
    set(1);
    goc_mutex_lock(&first);
    goc_mutex_unlock(&first);
    goc_mutex_unlock(&second);
}
static void keep(void)
{
    goc_mutex_lock(&first);
}
int main(void)
{
    go(forth);
    until_left(1);
    go(back);
    until_left(1);
    go(set, 2);
    until_left(1);
    go(keep);
    until_left(1);
    *nowhere = 1;
}
EOF
"$race" cc -g -O1 "$work/mix.c" -o "$work/mix" || exit 1
try env GOMAXPROCS=1 "$race" --output "man:$work/mix.7" --output "html:$work/mix.html" "$work/mix"
want_status 139
if command -v mandoc >/dev/null 2>&1; then
    what='manual page of every kind'
    ! mandoc -Tlint "$work/mix.7" | grep -v 'referenced manual not found' || wrong "mandoc has suggestions"
    mandoc -Tascii "$work/mix.7" 2>/dev/null | col -b | tr -s ' \t\n' '   ' >"$out"
    for t in 'DATA RACES' 'POTENTIAL DEADLOCKS' "Lock order cycle: 'second' -> 'first' -> 'second'" \
        'SYNC MISUSES' "goroutine 3 holds 'second' (locked at" 'CRASHES The program crashed: SIGSEGV' \
        'main goroutine [running]: main()'; do
        grep -qiF -e "$t" "$out" || wrong "no '$t'"
    done
fi
what='a crash in the page'
grep -q '<article class=crash>.*SIGSEGV' "$work/mix.html" || wrong "not told"
finish
