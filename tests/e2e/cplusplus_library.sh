# The C++ library under the detector: threads, locks, shared pointers, futures, exceptions, new and
# delete, static locals. Nothing to report.
. tests/e2e/lib
command -v g++ >/dev/null 2>&1 || { echo "no g++ here"; exit 77; }
cat >"$work/library.cc" <<'END'
#include <thread>
#include <mutex>
#include <vector>
#include <string>
#include <iostream>
#include <memory>
#include <map>
#include <future>
#include <condition_variable>
#include <sstream>
struct S { int v; S() : v(7) {} };
S &inst() { static S s; return s; }
int total; std::mutex mu;
std::shared_ptr<std::string> sp = std::make_shared<std::string>("a long enough string to be on the heap");
int main() {
    std::vector<std::thread> ts;
    std::map<int,std::string> m;
    for (int i = 0; i < 4; i++) ts.emplace_back([i, p = sp, &m] {
        for (int k = 0; k < 100; k++) { std::lock_guard<std::mutex> l(mu); total += inst().v; m[i*100+k] = *p + std::to_string(k); }
        auto q = p; std::ostringstream o; o << *q << i; if (o.str().size() < 3) abort();
        try { throw std::runtime_error("x" + *q); } catch (std::exception &e) { if (!e.what()[0]) abort(); }
    });
    for (auto &t : ts) t.join();
    std::promise<std::string> pr; auto fu = pr.get_future();
    std::thread t([&]{ pr.set_value("hello from a thread that is long enough"); });
    std::cout << fu.get() << "\n"; t.join();
    auto a = std::async(std::launch::async, []{ return std::string(100,'x'); });
    std::cout << a.get().size() << " " << total << "\n";
    std::condition_variable cv; bool ready=false; std::mutex m2; int data=0;
    std::thread c([&]{ std::unique_lock<std::mutex> l(m2); cv.wait(l,[&]{return ready;}); data++; });
    { std::lock_guard<std::mutex> l(m2); data=1; ready=true; } cv.notify_all(); c.join();
    std::call_once(*new std::once_flag, []{ });
    int *arr = new int[100]; delete[] arr;
    try { volatile size_t big = (size_t)1 << 60; volatile char *v = new char[big]; v[0] = 1; } catch (std::bad_alloc &) { std::cout << "bad_alloc\n"; }
}
END
try "$race" c++ -g -O1 "$work/library.cc" -o "$work/library"
want_status 0
for procs in 1 2; do
    export GOMAXPROCS=$procs
    try "$race" "$work/library"
    want_status 0
    want_silence
done
finish
