package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// process is a server in a process of its own.
type process struct {
	cmd     *exec.Cmd
	hint    string // the line that it prints at its start
	url     string // of --server in it
	address string // host:port in that
	stdout  strings.Builder
	stderr  strings.Builder
	copied  chan error // of standard output, once the process has closed it
}

var hintServer = regexp.MustCompile(`--server ([a-z+]+://(\S+))`)

// runServer runs "sansmtp serve" in dir, on a port of its own choice where the arguments
// name none, and returns once it listens.
func runServer(dir string, args ...string) (*process, error) {
	if !strings.Contains(strings.Join(args, " "), "--listen") {
		args = append([]string{"--listen", "127.0.0.1:0"}, args...)
	}
	p := &process{cmd: exec.Command("sansmtp", append([]string{"serve"}, args...)...), copied: make(chan error, 1)}
	p.cmd.Dir = dir
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	out := bufio.NewReader(stdout)
	line, err := out.ReadString('\n')
	go func() {
		_, err := io.Copy(&p.stdout, out)
		p.copied <- err
	}()
	p.hint = strings.TrimSuffix(line, "\n")
	found := hintServer.FindStringSubmatch(p.hint)
	if err != nil || found == nil {
		p.kill()
		return nil, fmt.Errorf("the server says %q: %s", line, p.stderr.String())
	}
	p.url, p.address = found[1], found[2]
	return p, nil
}

// startServer is runServer for the time of a test.
func startServer(t *testing.T, args ...string) *process {
	t.Helper()
	p, err := runServer(t.TempDir(), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

// kill ends the process by SIGKILL, if it has not ended, and waits for that.
func (p *process) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_, _ = p.wait()
	}
}

// wait waits until the process has ended, and returns its exit code.
func (p *process) wait() (int, error) {
	copied := <-p.copied
	err := p.cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), copied
	}
	return 0, errors.Join(err, copied)
}
