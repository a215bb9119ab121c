# `goc-race c++`: the header in C++, static initialisers, mangled names in reports.
. tests/e2e/lib
command -v g++ >/dev/null 2>&1 || { echo "no g++ here"; exit 77; }
cat >"$work/threads.cc" <<'END'
#include <mutex>
#include <thread>
#include <vector>
struct counter {
    int n = 0;
    void bump() { n++; }
};
static counter shared;
int main(int argc, char **)
{
    std::mutex mu;
    std::vector<std::thread> v;
    for (int i = 0; i < 2; i++)
        v.emplace_back([&, argc] {
            if (argc > 1)
                mu.lock();
            shared.bump();
            if (argc > 1)
                mu.unlock();
        });
    for (auto &t : v)
        t.join();
}
END
try "$race" c++ -g -O1 "$work/threads.cc" -o "$work/threads"
want_status 0
try "$race" "$work/threads"
want_status 66
want_err 'WARNING: DATA RACE'
want_err 'counter::bump'
try "$race" "$work/threads" locked
want_status 0
want_silence
finish
