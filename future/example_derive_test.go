package future_test

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/sansmtp/sansmtp/future"
)

func ExampleMap() {
	var code future.Promise[string]
	f := future.Map(code.Future(), strconv.Atoi)

	code.Resolve("250")
	fmt.Println(f.Result())
	// Output: 250 <nil> true
}

func ExampleThen() {
	login := future.Resolved("235 welcome")
	send := func(string) *future.Future[string] { return future.Resolved("250 queued") }

	fmt.Println(future.Then(login, send).Result())
	// Output: 250 queued <nil> true
}

func ExampleRecover() {
	refused := errors.New("EHLO refused")
	ehlo := future.Rejected[string](refused)

	hello := future.Recover(ehlo, func(err error) *future.Future[string] {
		if errors.Is(err, refused) {
			return future.Resolved("HELO accepted")
		}
		return future.Rejected[string](err)
	})
	fmt.Println(hello.Result())
	// Output: HELO accepted <nil> true
}

func ExampleShield() {
	var connection future.Promise[string]
	mine := future.Shield(connection.Future())

	mine.Cancel()
	fmt.Println(mine.Err())
	connection.Resolve("still wanted by others")
	fmt.Println(connection.Future().Result())
	// Output:
	// canceled
	// still wanted by others <nil> true
}

func ExampleAll() {
	var a, b future.Promise[int]
	both := future.All(a.Future(), b.Future())

	b.Resolve(2)
	a.Resolve(1)
	fmt.Println(both.Result())
	// Output: [1 2] <nil> true
}

func ExampleAllSettled() {
	recipients := future.AllSettled(
		future.Resolved("250 OK"),
		future.Rejected[string](errors.New("550 no such user")),
	)
	results, _, _ := recipients.Result()
	for i, r := range results {
		fmt.Printf("%d: %q, %v\n", i, r.Value, r.Err)
	}
	// Output:
	// 0: "250 OK", <nil>
	// 1: "", 550 no such user
}

func ExampleAny() {
	a := future.Rejected[string](errors.New("mx1: connection refused"))
	b := future.Rejected[string](errors.New("mx2: 421 busy"))
	var c future.Promise[string]

	fmt.Println(future.Any(a, b).Err())
	first := future.Any(a, b, c.Future())
	c.Resolve("mx3")
	fmt.Println(first.Result())
	// Output:
	// mx1: connection refused; mx2: 421 busy
	// mx3 <nil> true
}

// The loser of a race is cancelled.
func ExampleRace() {
	var reply, deadline future.Promise[string]
	deadline.OnCancel(func() { fmt.Println("the timer stops") })
	first := future.Race(reply.Future(), deadline.Future())

	reply.Resolve("250 OK")
	fmt.Println(first.Result())
	// Output:
	// the timer stops
	// 250 OK <nil> true
}

func ExampleEach() {
	send := func(message string) *future.Future[string] {
		fmt.Println("sending", message)
		if message == "b" {
			return future.Rejected[string](errors.New("b was refused"))
		}
		return future.Resolved("250 OK")
	}
	fmt.Println(future.Each([]string{"a"}, send).Result())
	fmt.Println(future.Each([]string{"a", "b", "c"}, send).Err())
	// Output:
	// sending a
	// [250 OK] <nil> true
	// sending a
	// sending b
	// b was refused
}
