package transport_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"time"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
	"github.com/sansmtp/sansmtp/transport"
)

// dial stands for net.Dial: the server behind it says OK to everything.
func dial() net.Conn {
	here, there := net.Pipe()
	go func() {
		defer there.Close()
		fmt.Fprint(there, "220 mx.example\r\n")
		for lines := bufio.NewScanner(there); lines.Scan(); {
			if lines.Text() == "QUIT" {
				fmt.Fprint(there, "221 bye\r\n")
				return
			}
			fmt.Fprint(there, "250 mx.example\r\n")
		}
	}()
	return here
}

// One goroutine can do without any other: it drives the conversation while it waits.
func ExampleNewLoop() {
	client, err := protocol.NewClient(time.Now(), protocol.ClientConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	loop := transport.NewLoop(dial(), client, transport.LoopConfig{})
	defer loop.Close()

	extensions, err := transport.Await(context.Background(), loop, client.Hello("me.example"))
	fmt.Println(extensions.Name(), err)
	reply, err := transport.Await(context.Background(), loop, client.Quit())
	fmt.Println(reply, err)
	// Output:
	// mx.example <nil>
	// 221 bye <nil>
}

// Where many goroutines use one connection, another one drives it, and each of them
// adds what it wants with Do and waits for its own future.
func ExampleDrive() {
	client, err := protocol.NewClient(time.Now(), protocol.ClientConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	loop := transport.Drive(context.Background(), dial(), client, transport.LoopConfig{})

	var quit *future.Future[wire.Reply]
	loop.Do(func(time.Time) {
		client.Hello("me.example")
		quit = client.Quit()
	})
	reply, err := quit.Await(context.Background())
	fmt.Println(reply, err)
	<-loop.Done()
	fmt.Println(loop.Err())
	// Output:
	// 221 bye <nil>
	// <nil>
}
