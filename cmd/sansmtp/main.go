package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt is one to the process
	code := run(ctx, os.Args[1:], system{os.Stdin, os.Stdout, os.Stderr, os.Getenv})
	os.Exit(code)
}

// system is what a command has of the process around it.
type system struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
}

// commandLine is the grammar of the arguments.
type commandLine struct {
	Send    sendCommand    `cmd:"" help:"Send one message."`
	Serve   serveCommand   `cmd:"" help:"Run a server that stores what it gets."`
	Demo    demoCommand    `cmd:"" help:"Send a message over loopback and show both sides."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// exited is a parser that has done all there was to do, as for --help.
type exited int

// run is main without the process. It returns the exit code.
func run(ctx context.Context, args []string, sys system) (code int) {
	defer func() {
		if p := recover(); p != nil {
			status, is := p.(exited)
			if !is {
				panic(p)
			}
			code = int(status)
		}
	}()
	var line commandLine
	parser, err := kong.New(&line,
		kong.Name("sansmtp"),
		kong.Description("Send and receive mail over SMTP or LMTP."),
		kong.Writers(sys.stdout, sys.stderr),
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		panic(err)
	}
	command, err := parser.Parse(args)
	if err != nil {
		complain(sys, err)
		return exitUsage
	}
	command.BindTo(ctx, (*context.Context)(nil))
	command.Bind(sys)
	err = command.Run()
	if err == nil {
		return exitOK
	}
	complain(sys, err)
	if failure, ok := errors.AsType[*failure](err); ok {
		return failure.code
	}
	return exitIO
}

func complain(sys system, err error) { fmt.Fprintln(sys.stderr, "sansmtp: "+oneLine(err.Error())) }

type versionCommand struct{}

func (versionCommand) Run(sys system) error {
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version + " " + info.GoVersion
	}
	_, err := fmt.Fprintln(sys.stdout, "sansmtp "+version)
	return err
}
