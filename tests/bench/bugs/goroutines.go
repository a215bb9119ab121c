// The twin of goroutines.c.
package main

import (
	"os"
	"sync"
	"time"
)

const crowd = 10000

var (
	shared int
	a, b   sync.Mutex
)

func nest(outer, inner *sync.Mutex, wg *sync.WaitGroup) {
	outer.Lock()
	inner.Lock()
	inner.Unlock()
	outer.Unlock()
	wg.Done()
}

func meet(first, second *sync.Mutex) {
	first.Lock()
	time.Sleep(50 * time.Millisecond)
	second.Lock()
}

func forget() {
	c := make(chan int)
	go func() { c <- 1 }()
}

func main() {
	var wg sync.WaitGroup
	switch os.Args[1] {
	case "race", "crowd":
		n := 2
		if os.Args[1] == "crowd" {
			n = crowd
		}
		wg.Add(n)
		for i := 0; i < n; i++ {
			go func() {
				shared++
				wg.Done()
			}()
		}
		wg.Wait()
	case "lock-order":
		wg.Add(2)
		go nest(&a, &b, &wg)
		time.Sleep(20 * time.Millisecond)
		go nest(&b, &a, &wg)
		wg.Wait()
	case "deadlock":
		<-make(chan int)
	case "deadlock-of-two":
		go meet(&a, &b)
		go meet(&b, &a)
		time.Sleep(300 * time.Millisecond)
	case "leak":
		forget()
		time.Sleep(50 * time.Millisecond)
	}
}
