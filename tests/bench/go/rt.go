// rt.go is the twin of ../rt.c: the same work in Go, the same command line, the same line of output.
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

var wall time.Duration
var began time.Time
var cpu int64

func cpuNow() int64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}

func start() {
	cpu = cpuNow()
	began = time.Now()
}

func stop() {
	wall = time.Since(began)
	cpu = cpuNow() - cpu
}

func relay(left chan<- int, right <-chan int) {
	left <- 1 + <-right
}

func chain(hops, rounds int) int {
	var sum time.Duration
	var sumCPU int64
	for r := 0; r < rounds; r++ {
		leftmost := make(chan int)
		right := leftmost
		for i := 0; i < hops; i++ {
			left := right
			right = make(chan int)
			go relay(left, right)
		}
		time.Sleep(time.Duration(20+hops/1000) * time.Millisecond)
		start()
		right <- 0
		if <-leftmost != hops {
			panic("chain")
		}
		stop()
		sum += wall
		sumCPU += cpu
		time.Sleep(time.Millisecond)
	}
	wall = sum
	cpu = sumCPU
	return hops * rounds
}

var wg sync.WaitGroup

func empty() {
	wg.Done()
}

func spawn(n int) int {
	start()
	wg.Add(n)
	for i := 0; i < n; i++ {
		go empty()
	}
	wg.Wait()
	stop()
	return n
}

func ponger(in <-chan int, out chan<- int) {
	for v := range in {
		out <- v
	}
	close(out)
}

func pingpong(n int) int {
	there, back := make(chan int), make(chan int)
	go ponger(there, back)
	start()
	for i := 0; i < n; i++ {
		there <- i
		<-back
	}
	stop()
	close(there)
	return n
}

func producer(out chan<- int, n int) {
	for i := 0; i < n; i++ {
		out <- i
	}
	close(out)
}

func buffered(n int) int {
	q := make(chan int, 128)
	sum := 0
	start()
	go producer(q, n)
	for v := range q {
		sum += v
	}
	stop()
	if sum != n*(n-1)/2 {
		return 0
	}
	return n
}

func select2Ready(n int) int {
	a, b := make(chan int, 1), make(chan int, 1)
	start()
	for i := 0; i < n; i++ {
		b <- i
		select {
		case <-a:
		case <-b:
		}
	}
	stop()
	return n
}

func select8Ready(n int) int {
	var c [8]chan int
	for i := range c {
		c[i] = make(chan int, 1)
	}
	start()
	for i := 0; i < n; i++ {
		c[5] <- i
		select {
		case <-c[0]:
		case <-c[1]:
		case <-c[2]:
		case <-c[3]:
		case <-c[4]:
		case <-c[5]:
		case <-c[6]:
		case <-c[7]:
		}
	}
	stop()
	return n
}

func answer(out chan<- int, back <-chan int, n int) {
	for i := 0; i < n; i++ {
		out <- i
		<-back
	}
}

func select2Block(n int) int {
	a, b, back := make(chan int), make(chan int), make(chan int)
	go answer(b, back, n)
	start()
	for i := 0; i < n; i++ {
		select {
		case <-a:
		case <-b:
		}
		back <- i
	}
	stop()
	return n
}

func select8Block(n int) int {
	var c [8]chan int
	back := make(chan int)
	for i := range c {
		c[i] = make(chan int)
	}
	go answer(c[5], back, n)
	start()
	for i := 0; i < n; i++ {
		select {
		case <-c[0]:
		case <-c[1]:
		case <-c[2]:
		case <-c[3]:
		case <-c[4]:
		case <-c[5]:
		case <-c[6]:
		case <-c[7]:
		}
		back <- i
	}
	stop()
	return n
}

var mu sync.Mutex
var counter int

func mutexAlone(n int) int {
	start()
	for i := 0; i < n; i++ {
		mu.Lock()
		counter++
		mu.Unlock()
	}
	stop()
	return n
}

func locker(n int, yield bool) {
	for i := 0; i < n; i++ {
		mu.Lock()
		counter++
		if yield {
			runtime.Gosched()
		}
		mu.Unlock()
	}
	wg.Done()
}

func lockers(n int, yield bool) int {
	start()
	wg.Add(8)
	for i := 0; i < 8; i++ {
		go locker(n/8, yield)
	}
	wg.Wait()
	stop()
	return n / 8 * 8
}

func sleeper(times int) {
	for i := 0; i < times; i++ {
		time.Sleep(50 * time.Millisecond)
	}
	wg.Done()
}

func sleepers(n int) int {
	start()
	wg.Add(n)
	for i := 0; i < n; i++ {
		go sleeper(5)
	}
	wg.Wait()
	stop()
	return n * 5
}

func echoServer(c net.Conn) {
	buf := make([]byte, 128)
	for {
		k, err := c.Read(buf)
		if err != nil {
			break
		}
		c.Write(buf[:k])
	}
	c.Close()
}

func client(c net.Conn, n int) {
	buf := make([]byte, 128)
	for i := 0; i < n; i++ {
		if k, _ := c.Write(buf[:64]); k != 64 {
			panic("write")
		}
		if k, _ := c.Read(buf); k != 64 {
			panic("read")
		}
	}
	c.Close()
	wg.Done()
}

func echo(n int) int {
	const connections = 100
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go echoServer(c)
		}
	}()
	var conn [connections]net.Conn
	for i := range conn {
		if conn[i], err = net.Dial("tcp", l.Addr().String()); err != nil {
			panic(err)
		}
	}
	start()
	wg.Add(connections)
	for i := range conn {
		go client(conn[i], n/connections)
	}
	wg.Wait()
	stop()
	return n / connections * connections
}

func memoryNow() int {
	sum := 0
	f, _ := os.Open("/proc/self/status")
	s := bufio.NewScanner(f)
	for s.Scan() {
		var kib int
		if k, _ := fmt.Sscanf(s.Text(), "VmRSS: %d", &kib); k == 1 {
			sum += kib * 1024
		} else if k, _ := fmt.Sscanf(s.Text(), "VmPTE: %d", &kib); k == 1 {
			sum += kib * 1024
		}
	}
	f.Close()
	return sum
}

var bytes int

func blockedOne(ch <-chan struct{}) {
	<-ch
	wg.Done()
}

func blocked(n int) int {
	ch := make(chan struct{})
	before := memoryNow()
	start()
	wg.Add(n)
	for i := 0; i < n; i++ {
		go blockedOne(ch)
	}
	time.Sleep(time.Millisecond * time.Duration(50+n/1000))
	stop()
	bytes = memoryNow() - before
	close(ch)
	wg.Wait()
	return n
}

var rows = []struct {
	name string
	fn   func(n int) int
}{
	{"chain10k", func(n int) int { return chain(10000, n) }},
	{"chain100k", func(n int) int { return chain(100000, n) }},
	{"spawn", spawn},
	{"pingpong", pingpong},
	{"buffered", buffered},
	{"select2_ready", select2Ready},
	{"select8_ready", select8Ready},
	{"select2_block", select2Block},
	{"select8_block", select8Block},
	{"mutex_alone", mutexAlone},
	{"mutex_contended", func(n int) int { return lockers(n, false) }},
	{"mutex_yield", func(n int) int { return lockers(n, true) }},
	{"sleepers", sleepers},
	{"echo", echo},
	{"blocked", blocked},
}

func main() {
	for _, r := range rows {
		if len(os.Args) < 3 {
			fmt.Println(r.name)
		} else if os.Args[1] == r.name {
			n, _ := strconv.Atoi(os.Args[2])
			ops := r.fn(n)
			var u syscall.Rusage
			syscall.Getrusage(syscall.RUSAGE_SELF, &u)
			fmt.Printf("%.2f %d %.2f %d", float64(wall)/float64(ops), wall.Nanoseconds(), float64(cpu)/float64(ops), u.Maxrss)
			if bytes > 0 {
				fmt.Printf(" %d", bytes/ops)
			}
			fmt.Println()
			return
		}
	}
	if len(os.Args) >= 3 {
		os.Exit(2)
	}
}
