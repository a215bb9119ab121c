# The json format against the schema that goc-race-report(5) prints; SARIF against what the standard
# asks of the objects we write; and a reader that goes away.
. tests/e2e/lib
build racy order crash
try "$race" --save="$work/1" "$work/racy"
want_status 66
try "$race" --save="$work/2" "$work/order"
want_status 66
try "$race" --save="$work/3" "$work/crash"
want_status 139
try "$race" report --output "json:$work/r.json" --output "sarif:$work/r.sarif" "$work/1" "$work/2" "$work/3"
want_status 0

if command -v python3 >/dev/null 2>&1; then
    what='the schema of goc-race-report(5)'
    timeout 120 python3 - man/goc-race-report.5 "$work/r.json" >"$out" 2>"$err" <<'END' ||
import json, re, sys
page = open(sys.argv[1]).read()
schema = json.loads(re.search(r'^\{"\$schema".*?^\.Ed', page, re.S | re.M).group(0)[:-3])
kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool,
         "null": type(None)}

def check(v, s, where):
    if "$ref" in s:
        s = schema["$defs"][s["$ref"].split("/")[-1]]
    if "const" in s:
        assert v == s["const"], where
    if "enum" in s:
        assert v in s["enum"], (where, v)
    if "type" in s:
        t = s["type"] if isinstance(s["type"], list) else [s["type"]]
        assert type(v) in [kinds[k] for k in t], (where, v)
    if isinstance(v, str) and "pattern" in s:
        assert re.search(s["pattern"], v), (where, v)
    if isinstance(v, int) and "minimum" in s:
        assert v >= s["minimum"], (where, v)
    if isinstance(v, list):
        for i, x in enumerate(v):
            check(x, s["items"], where + "[%d]" % i)
    if isinstance(v, dict):
        for k in s["required"]:
            assert k in v, (where, k)
        for k in v:
            assert k in s["properties"], (where, k)
            check(v[k], s["properties"][k], where + "." + k)

lines = [json.loads(l) for l in open(sys.argv[2])]
assert [l["kind"] for l in lines] == ["race", "lockorder", "crash"], lines
assert lines[2]["signal"] == "SIGSEGV" and lines[2]["parts"][0]["stack"][-1]["function"] == "main", lines[2]
knew = [p for p in lines[0]["parts"] if p["role"] == "knew"]  # the two know nothing of each other
assert len(knew) == 1 and not knew[0]["stack"], lines[0]
for l in lines:
    check(l, schema, "$")
END
        wrong "$(tail -n 1 "$err")"
    what='SARIF'
    timeout 120 python3 - "$work/r.sarif" >"$out" 2>"$err" <<'END' ||
import json, sys
s = json.load(open(sys.argv[1]))
assert set(s) == {"$schema", "version", "runs"} and s["version"] == "2.1.0"
run = s["runs"][0]
rules = run["tool"]["driver"]["rules"]
for r in run["results"]:
    assert rules[r["ruleIndex"]]["id"] == r["ruleId"]
    assert r["message"]["text"] and r["level"] == "error" and r["occurrenceCount"] >= 1
    for name in ("relatedLocations", "stacks"):  # uniqueItems
        texts = [json.dumps(x) for x in r[name]]
        assert len(texts) == len(set(texts)), name
    for flow in r["codeFlows"]:
        for t in flow["threadFlows"]:
            assert t["locations"], "an empty flow"
            assert t["locations"][-1]["importance"] == "essential"
    where = json.dumps([r["partialFingerprints"], r["ruleId"]])
    assert "0x" not in where and "/" not in r["partialFingerprints"]["gocRace/v1"]
    for l in r["locations"] + r["relatedLocations"]:
        p = l["physicalLocation"]
        assert p["region"]["startLine"] >= 1 and " " not in p["artifactLocation"]["uri"]
END
        wrong "$(tail -n 1 "$err")"
fi

# And against the standard's own schema, where a validator is here and SARIF_SCHEMA names the file (it
# is not ours to keep a copy of).
schema=${SARIF_SCHEMA:-$(find /usr/lib/node_modules /usr/share /usr/local/lib/node_modules -maxdepth 6 \
    -name 'sarif-schema-2.1.0.json' 2>/dev/null | head -n 1)}
if [ -n "$schema" ] && python3 -c 'import jsonschema' 2>/dev/null; then
    what="SARIF against $schema"
    timeout 60 python3 - "$schema" "$work/r.sarif" >"$out" 2>"$err" <<'END' || wrong "$(tail -n 1 "$err")"
import json, sys, jsonschema
jsonschema.validate(json.load(open(sys.argv[2])), json.load(open(sys.argv[1])))
END
else
    echo "no SARIF schema or no python3-jsonschema here; checked by the rules above alone"
fi

# The fingerprint outlives another address space and edits elsewhere in the file; another variable has
# another.
prints() { # NAME: of its one finding
    "$race" --format=json --log_path=stdout "$work/$1" 2>/dev/null | sed -n 's/.*"fingerprint":"\([0-9a-f]*\)".*/\1/p'
}
what='fingerprints'
one=$(prints racy)
[ -n "$one" ] || wrong "none"
[ "$(setarch -R "$race" --format=json --log_path=stdout "$work/racy" 2>/dev/null |
    sed -n 's/.*"fingerprint":"\([0-9a-f]*\)".*/\1/p')" = "$one" ] || wrong "differs without randomisation"
mkdir -p "$work/moved"
{
    printf '/* A comment\n * of three lines\n */\nint unrelated;\n'
    cat "$work/racy.c"
} >"$work/moved/racy.c"
"$race" cc -g -O1 "$work/moved/racy.c" -o "$work/moved-racy" || exit 1
[ "$(prints moved-racy)" = "$one" ] || wrong "differs after an edit elsewhere"
mkdir -p "$work/renamed"
sed 's/shared/other/' "$work/racy.c" >"$work/renamed/racy.c"
"$race" cc -g -O1 "$work/renamed/racy.c" -o "$work/renamed-racy" || exit 1
[ "$(prints renamed-racy)" != "$one" ] || wrong "the same for another variable"

# A reader that goes away.
what='report | true'
(
    until [ -e "$work/gone" ]; do
        sleep 0.1
    done
    "$race" report "$work/1" "$work/2" 2>"$err"
    echo $? >"$work/code"
) | {
    exec <&-
    : >"$work/gone"
}
status=$(cat "$work/code")
want_status 125
want_err_lines 1
want_err 'cannot write standard output'
finish
