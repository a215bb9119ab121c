/*
 * cplusplus_std.cc - WHAT [fixed]: what C++ has for threads and what its compilers make of it, each
 * with a race, or without; cplusplus_std.sh builds and runs it.
 */
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static bool fixed;
static int cell;
static std::mutex mu;
static std::atomic<int> turns; // relaxed: orders nothing

static void done()
{
    turns.fetch_add(1, std::memory_order_relaxed);
}
static void await(int n)
{
    while (turns.load(std::memory_order_relaxed) < n)
        std::this_thread::yield();
}

// One thread does f, then another does; with nothing between them.
static void both(std::function<void()> f)
{
    std::thread a([&] {
        f();
        done();
    });
    std::thread b([&] {
        await(1);
        f();
        done();
    });
    a.join();
    b.join();
}
struct held {
    held()
    {
        if (fixed)
            mu.lock();
    }
    ~held()
    {
        if (fixed)
            mu.unlock();
    }
};

static int sink(int n)
{
    if (n == 0)
        throw std::runtime_error("from below");
    return sink(n - 1) + 1;
}
static void exceptions()
{
    both([] {
        for (int i = 0; i < 100; i++)
            try {
                held h;
                cell++;
                sink(20);
            } catch (const std::exception &e) {
                held h;
                cell += (int)std::strlen(e.what());
            }
    });
}
struct base {
    int v = 0;
    virtual ~base()
    {
        v = 1;
    }
    virtual int get()
    {
        return v;
    }
};
struct derived : base {
    std::string s = "x";
    int get() override
    {
        return v + (int)s.size();
    }
};
// The destructor writes the table's pointer while another calls through it.
static void destructors()
{
    base *p = new derived;
    std::thread a([&] {
        held h;
        p->get();
        done();
    });
    await(1);
    {
        held h;
        delete p;
    }
    a.join();
}
struct made {
    std::map<int, std::string> m;
    made()
    {
        m[1] = "one";
    }
};
static made &instance()
{
    static made one; // a guard variable
    return one;
}
static void guards()
{
    std::vector<std::thread> v;
    for (int i = 0; i < 4; i++)
        v.emplace_back([] {
            if (instance().m.at(1) != "one")
                std::abort();
            held h;
            instance().m[2] += "x";
        });
    for (auto &t : v)
        t.join();
}
static void conditions()
{
    std::condition_variable cv;
    bool ready = false;
    int data = 0;
    std::thread a([&] {
        if (fixed)
            data = 1;
        {
            std::lock_guard<std::mutex> l(mu);
            ready = true;
        }
        cv.notify_one();
        if (!fixed)
            data = 1;
        done();
    });
    std::unique_lock<std::mutex> l(mu);
    cv.wait(l, [&] { return ready; });
    l.unlock();
    await(1);
    data++;
    std::condition_variable_any any; // on a lock that is not a mutex
    std::shared_mutex sm;
    bool go = false;
    std::thread b([&] {
        std::unique_lock<std::shared_mutex> u(sm);
        go = true;
        any.notify_all();
    });
    {
        std::shared_lock<std::shared_mutex> s(sm);
        any.wait(s, [&] { return go; });
        any.wait_for(s, std::chrono::milliseconds(1), [] { return false; });
    }
    a.join();
    b.join();
}
static void shared()
{
    static std::shared_mutex sm;
    both([] {
        for (int i = 0; i < 100; i++)
            if (fixed && i % 10 == 0) {
                std::unique_lock<std::shared_mutex> l(sm);
                cell++;
            } else {
                std::shared_lock<std::shared_mutex> l(sm);
                if (fixed ? cell < 0 : ++cell < 0)
                    std::abort();
            }
    });
}
static void atomics()
{
    static std::atomic<int *> where;
    int value = 0;
    std::thread a([&] {
        value = 42;
        where.store(&value, fixed ? std::memory_order_release : std::memory_order_relaxed);
    });
    int *p;
    while (!(p = where.load(fixed ? std::memory_order_acquire : std::memory_order_relaxed)))
        std::this_thread::yield();
    if (*p != 42)
        std::abort();
    a.join();
#if __cplusplus >= 202002L
    std::atomic<int> gate{0};
    int after = 0;
    std::thread b([&] {
        after = 1;
        gate.store(1);
        gate.notify_all();
    });
    gate.wait(0);
    after++;
    b.join();
#endif
}
static void once()
{
    static std::once_flag flag;
    static std::vector<int> v;
    both([] {
        if (fixed)
            std::call_once(flag, [] { v.push_back(1); });
        else if (v.empty())
            v.push_back(1);
        if (v.size() != 1)
            std::abort();
    });
}
static void futures()
{
    std::promise<std::string> p;
    auto f = p.get_future();
    int beside = 0;
    std::thread a([&] {
        if (fixed)
            beside = 1;
        p.set_value("value");
        if (!fixed)
            beside = 1;
        done();
    });
    std::string s = f.get();
    await(1);
    beside += (int)s.size();
    a.join();
    auto g = std::async(std::launch::async, [&] {
        beside++;
        return beside;
    });
    if (g.get() != beside)
        std::abort();
    std::packaged_task<int()> task([] {
        throw std::logic_error("no");
        return 1;
    });
    auto h = task.get_future();
    std::thread b(std::move(task));
    try {
        h.get();
        std::abort();
    } catch (const std::logic_error &) {
    }
    b.join();
}
static void pointers()
{
    auto p = std::make_shared<std::vector<int>>(10);
    std::weak_ptr<std::vector<int>> w = p;
    std::vector<std::thread> v;
    for (int i = 0; i < 4; i++)
        v.emplace_back([q = p, w, i] {
            (*q)[fixed ? (size_t)i : 0]++;
            if (auto k = w.lock())
                if (k->size() != 10)
                    std::abort();
        });
    p.reset(); // whoever is last destroys it
    for (auto &t : v)
        t.join();
}
static void library()
{
    both([] {
        std::ostringstream o;
        o << 1 << "two" << 3.0;
        std::istringstream in(o.str());
        int n;
        in >> n;
        static thread_local std::string own = "own";
        std::cerr.flush();
        n = (int)own.size();
        std::function<int(int)> f = [n](int k) { return n + k; };
        f(1);
        held h;
        cell++;
    });
}
#if __cplusplus >= 202002L
#include <coroutine>
struct task {
    struct promise_type {
        task get_return_object()
        {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend()
        {
            return {};
        }
        std::suspend_always final_suspend() noexcept
        {
            return {};
        }
        void return_void()
        {
        }
        void unhandled_exception()
        {
            std::abort();
        }
    };
    std::coroutine_handle<promise_type> h;
};
static task steps(int &n)
{
    for (int i = 0; i < 3; i++) {
        n++;
        co_await std::suspend_always{};
    }
}
// A coroutine that goes on on another thread: its frame is data like any other.
static void coroutines()
{
    int n = 0;
    task t = steps(n);
    if (fixed) {
        for (int i = 0; i < 5 && !t.h.done(); i++)
            std::thread([&] { t.h.resume(); }).join();
    } else {
        std::thread a([&] {
            t.h.resume();
            done();
        });
        std::thread b([&] {
            await(1);
            t.h.resume();
            done();
        });
        a.join();
        b.join();
    }
    t.h.destroy();
}
#endif

int main(int, char **argv)
{
    static const std::map<std::string, void (*)()> all = {
        {"exceptions", exceptions},
        {"destructors", destructors},
        {"guards", guards},
        {"conditions", conditions},
        {"shared", shared},
        {"atomics", atomics},
        {"once", once},
        {"futures", futures},
        {"pointers", pointers},
        {"library", library},
#if __cplusplus >= 202002L
        {"coroutines", coroutines},
#endif
    };
    fixed = argv[1] && argv[2];
    all.at(argv[1])();
    std::puts("end");
}
