# JUnit, GitHub's workflow commands and its summary, read as their consumers do: the file against what
# the strict schemas of CI servers allow, the commands unescaped by GitHub's rules, the summary through a
# renderer of its Markdown. Names of files and functions that have every character that means something.
. tests/e2e/lib
command -v python3 >/dev/null 2>&1 || { echo 'no python3 here'; exit 77; }
build order crash
mkdir -p "$work/100%, a:b&\"<c>"
odd=$work'/100%, a:b&"<c>/racy`x`.c'
sed "s|racy.c|racy|" "$work/racy.c" >"$odd"
"$race" cc -g -O1 "$odd" -o "$work/odd" || exit 1
try "$race" --save="$work/1" "$work/odd"
want_status 66
try "$race" --save="$work/2" "$work/order"
want_status 66
try "$race" --save="$work/3" "$work/crash"
want_status 139
(
    cd "$work" || exit 1
    GITHUB_STEP_SUMMARY=$work/summary.md "$race" report --output "junit:$work/r.xml" \
        --output "github:$work/r.github" --output "text:$work/r.txt" 1 2 3 >/dev/null
) || wrong "report"
"$race" report --format junit "$work/3" >"$work/crash.xml"

py() { # NAME ARG…: python's program on standard input
    what=$1
    shift
    timeout 120 python3 - "$@" >"$out" 2>"$err" || wrong "$(tail -n 3 "$err")"
}

# What is in each of the schemas that Jenkins' plugins, GitLab and others publish.
py junit "$work/r.xml" "$work/r.txt" <<'END'
import sys, xml.etree.ElementTree as E
allowed = {
    "testsuites": ({"name", "tests", "failures", "errors", "time"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname"},
                  {"testcase", "properties", "system-out", "system-err"}),
    "testcase": ({"name", "classname", "time"}, {"failure", "error", "skipped", "system-out"}),
    "failure": ({"type", "message"}, set()),
    "error": ({"type", "message"}, set()),
}
required = {"testsuite": {"name", "tests", "failures", "errors"}, "testcase": {"name", "classname"}}
def check(e):
    attributes, children = allowed[e.tag]
    assert set(e.attrib) <= attributes, (e.tag, e.attrib)
    assert required.get(e.tag, set()) <= set(e.attrib), (e.tag, e.attrib)
    for c in e:
        assert c.tag in children, (e.tag, c.tag)
        check(c)
root = E.parse(sys.argv[1]).getroot()
check(root)
for e in [root] + list(root):
    n = {"tests": len(list(e.iter("testcase"))), "failures": len(list(e.iter("failure"))),
         "errors": len(list(e.iter("error")))}
    assert all(int(e.get(k)) == n[k] for k in n), (e.attrib, n)
    assert n == {"tests": 3, "failures": 2, "errors": 1}, n
cases = list(root.iter("testcase"))
assert [c.get("classname") for c in cases] == ["goc-race.race", "goc-race.lockorder", "goc-race"]
# A history is kept by name: nothing in it changes from run to run.
for c in cases[:2]:
    assert "goroutine" not in c.get("name"), c.get("name")
assert "data race on 'shared'" in cases[0].get("name") and "set()" in cases[0].get("name")
text = open(sys.argv[2]).read()
for f in root.iter("failure"):
    assert f.text.strip() in text, f.text
END
if command -v xmllint >/dev/null 2>&1; then
    try xmllint --noout "$work/r.xml" "$work/crash.xml"
    want_status 0
    want_silence
    [ -z "${JUNIT_SCHEMA:-}" ] || {
        try xmllint --noout --schema "$JUNIT_SCHEMA" "$work/r.xml"
        want_status 0
    }
fi

# GitHub: data escape % CR LF, properties also : and ,; nothing else is an escape.
py 'github lines' "$work/r.github" "$odd" "$work" <<'END'
import os, re, sys
def plain(s, codes):
    assert not re.search("%(?!" + "|".join(codes) + ")", s), s
    for c in codes:
        if c != "25":
            s = s.replace("%" + c, chr(int(c, 16)))
    return s.replace("%25", "%")
seen = []
for line in open(sys.argv[1]):
    m = re.fullmatch(r"::(error|notice|warning) ([^\n]*?)::([^\n]*)\n", line)
    assert m, line
    properties = {}
    for p in m.group(2).split(","):
        k, v = p.split("=", 1)
        assert k in ("file", "line", "endLine", "col", "endColumn", "title") and k not in properties, p
        assert ":" not in v, p
        properties[k] = plain(v, ["25", "0D", "0A", "3A", "2C"])
    text = plain(m.group(3), ["25", "0D", "0A"])
    assert text and not text.endswith(":"), text
    seen.append((m.group(1), properties, text))
race = [s for s in seen if s[1]["title"] == "DATA RACE"]
assert [s[0] for s in race] == ["error", "notice"], race
for s in race:
    assert s[1]["file"] == os.path.relpath(sys.argv[2], sys.argv[3]), s
    assert s[1]["line"] == "7" and int(s[1]["col"]) > 0, s
assert "data race on 'shared'" in race[0][2] and sys.argv[2] in race[0][2], race
assert race[1][2].startswith("Previous write at 0x"), race
assert [s[0] for s in seen if s[1]["title"] == "POTENTIAL DEADLOCK"][0] == "error", seen
assert any(s[1]["title"] == "CRASH" and "SIGSEGV" in s[2] for s in seen), seen
END

# The summary: each report folded under one line, its text literal.
if command -v cmark-gfm >/dev/null 2>&1; then
    cmark-gfm --unsafe --extension table "$work/summary.md" >"$work/summary.html"
    py summary "$work/summary.html" "$work/r.txt" <<'END'
import sys, html.parser
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.text, self.seen = [], {}, []
    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.append((tag, list(self.open)))
        self.text.setdefault(tag, []).append("")
    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, tag
    def handle_data(self, data):
        for tag in set(self.open):
            self.text[tag][-1] += data
page = Page()
page.feed(open(sys.argv[1]).read())
assert not page.open, page.open
tags = [t for t, _ in page.seen]
assert set(tags) == {"h3", "details", "summary", "b", "pre", "code"}, set(tags)
assert tags.count("details") == tags.count("summary") == tags.count("pre") == 3, tags
assert all("details" in where for t, where in page.seen if t in ("pre", "summary"))
report = open(sys.argv[2]).read()
for text in page.text["pre"]:
    assert text.strip() in report, text
assert "racy`x`.c" in page.text["summary"][0], page.text["summary"]
assert "2 finding(s)" in page.text["h3"][0], page.text["h3"]
END
fi

# A summary that cannot be written is told; the findings are not lost over it.
try env GITHUB_STEP_SUMMARY="$work/no/such/folder" "$race" report --format github "$work/1"
want_status 0
want_out '::error '
want_err "cannot write $work/no/such/folder"
want_err_lines 1
finish
