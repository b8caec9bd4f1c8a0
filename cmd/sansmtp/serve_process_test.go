package main

import (
	"bufio"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// served is a server in a process of its own.
type process struct {
	cmd     *exec.Cmd
	hint    string // the line that it prints at its start
	address string // host:port
}

var hintAddress = regexp.MustCompile(`--server [a-z]+://([0-9.]+:[0-9]+)`)

// startServer runs "sansmtp serve" on a port of its own choice. The process is killed at the
// end of the test, unless it has ended.
func startServer(t *testing.T, args ...string) *process {
	t.Helper()
	cmd := exec.Command("sansmtp", append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	stderr := &strings.Builder{}
	cmd.Stderr = stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd}
	t.Cleanup(func() { p.kill() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		p.kill()
		t.Fatalf("the server says nothing: %v, %s", err, stderr)
	}
	p.hint = strings.TrimSuffix(line, "\n")
	found := hintAddress.FindStringSubmatch(p.hint)
	if found == nil {
		t.Fatalf("no address in %q", p.hint)
	}
	p.address = found[1]
	return p
}

// kill ends the process by SIGKILL, and waits for that.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}
