package future_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sansmtp/sansmtp/future"
)

// An operation holds its promise by value and hands out the future inside it.
func ExamplePromise() {
	type noop struct {
		promise future.Promise[string]
	}
	op := new(noop)
	op.promise.Future().OnReady(func(reply string, err error) {
		fmt.Println("the reply is", reply, err)
	})

	fmt.Println(op.promise.Resolve("250 OK"))
	fmt.Println(op.promise.Reject(errors.New("too late")))
	// Output:
	// the reply is 250 OK <nil>
	// true
	// false
}

func ExamplePromise_OnCancel() {
	queue := []string{"first", "second"}
	var second future.Promise[string]
	second.OnCancel(func() { queue = queue[:1] })

	fmt.Println(second.Future().Cancel(), queue)
	// Output: true [first]
}

func ExampleFuture() {
	var p future.Promise[int]
	f := p.Future()

	_, _, ok := f.Result()
	fmt.Println("there yet:", ok)

	p.Resolve(250)
	v, err, ok := f.Result()
	fmt.Println("there yet:", ok, v, err)
	// Output:
	// there yet: false
	// there yet: true 250 <nil>
}

// The end of the context ends the wait. The operation goes on.
func ExampleFuture_Await() {
	var p future.Promise[int]
	ctx, stop := context.WithTimeout(context.Background(), time.Millisecond)
	defer stop()

	_, err := p.Future().Await(ctx)
	fmt.Println(err, p.Settled())

	p.Resolve(250)
	fmt.Println(p.Future().Await(ctx))
	// Output:
	// context deadline exceeded false
	// 250 <nil>
}

func ExampleFuture_Done() {
	var p future.Promise[int]
	go p.Resolve(250)

	select {
	case <-p.Future().Done():
		fmt.Println(p.Future().Result())
	case <-context.Background().Done():
	}
	// Output: 250 <nil> true
}

func ExampleFuture_OnReady() {
	var p future.Promise[int]
	p.Future().OnReady(func(v int, err error) { fmt.Println("first:", v, err) })
	p.Future().OnReady(func(v int, err error) { fmt.Println("second:", v, err) })
	p.Reject(errors.New("connection reset"))
	p.Future().OnReady(func(v int, err error) { fmt.Println("at once:", v, err) })
	// Output:
	// first: 0 connection reset
	// second: 0 connection reset
	// at once: 0 connection reset
}

// Cancelling the end of a chain stops the operation at its beginning.
func ExampleFuture_Cancel() {
	var p future.Promise[int]
	p.OnCancel(func() { fmt.Println("the operation stops") })
	f := future.Map(p.Future(), func(v int) (string, error) { return fmt.Sprint(v), nil })

	f.Cancel()
	fmt.Println(f.Err(), errors.Is(p.Future().Err(), future.ErrCanceled))
	// Output:
	// the operation stops
	// canceled true
}
