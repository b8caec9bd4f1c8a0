package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
)

// headSize is how much of a message is looked at before it is sent.
const headSize = 4096

var (
	errEmptyMessage = errors.New("message: empty")
	errBinary       = errors.New("message: binary, not RFC 5322 text: NUL near its beginning")
)

// openMessage finds the message and looks at its beginning. What is not a regular
// file is read as it is sent. close is to be called in the end.
func openMessage(ctx context.Context, name string, stdin io.Reader) (body protocol.Body, close func(), err error) {
	nothing := func() {}
	if name == "" || name == "-" {
		return streamed(ctx, stdin)
	}
	body, err = netasync.BodyFile(name)
	if err != nil {
		return nil, nothing, &failure{exitNoInput, fmt.Errorf("message: %w", err)}
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nothing, &failure{exitNoInput, fmt.Errorf("message: %w", err)}
	}
	if body.Size() < 0 {
		body, closePipe, err := streamed(ctx, f)
		return body, func() { closePipe(); f.Close() }, err
	}
	defer f.Close()
	head := make([]byte, headSize)
	n, err := io.ReadFull(f, head)
	return body, nothing, checkHead(head[:n], err)
}

// streamed returns the body of a stream whose beginning is there already: nobody
// is connected to before there is something to send.
func streamed(ctx context.Context, r io.Reader) (body protocol.Body, close func(), err error) {
	pipe := interruptible(ctx, r)
	b := bufio.NewReaderSize(pipe, 2*headSize)
	head, err := b.Peek(headSize)
	return netasync.BodyFrom(b, -1), func() { pipe.Close() }, checkHead(head, err)
}

// interruptible is r for whom the end of ctx ends a Read that waits, as for
// somebody at a terminal. Whatever r itself is then waiting for ends with the
// process.
func interruptible(ctx context.Context, r io.Reader) *io.PipeReader {
	reader, writer := io.Pipe()
	stop := context.AfterFunc(ctx, func() { writer.CloseWithError(context.Cause(ctx)) })
	go func() {
		defer stop()
		_, err := io.Copy(writer, r)
		writer.CloseWithError(err)
	}()
	return reader
}

// checkHead judges the beginning of a message, and the error of reading it.
func checkHead(head []byte, err error) error {
	switch {
	case err != nil && err != io.EOF && err != io.ErrUnexpectedEOF:
		return &failure{exitIO, fmt.Errorf("message: %w", err)}
	case len(head) == 0:
		return &failure{exitData, errEmptyMessage}
	case bytes.IndexByte(head, 0) >= 0:
		return &failure{exitData, errBinary}
	}
	return nil
}
