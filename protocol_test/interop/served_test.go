//go:build interop

package interop

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// tlsMode is how a client comes to TLS. With TLS it has to log in.
type tlsMode string

const (
	inClear  tlsMode = "plain"
	starttls tlsMode = "starttls"
	implicit tlsMode = "implicit"
)

// served is `sansmtp serve`, running until a number of messages is in its Maildir.
type served struct {
	cmd     *exec.Cmd
	port    string
	maildir string
	stderr  strings.Builder
}

var servedAt = regexp.MustCompile(` --server smtps?://127\.0\.0\.1:(\d+) `)

// serve starts the server, which ends with that many messages, or when it is
// interrupted. It listens at a port of its own choice where port is "0".
func serve(t *testing.T, mode tlsMode, port string, count int) *served {
	t.Helper()
	folder := t.TempDir()
	users := filepath.Join(folder, "users")
	login := rig.env["LOGIN_USER"] + ":" + rig.env["LOGIN_PASSWORD"] + "\n"
	if err := os.WriteFile(users, []byte(login), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &served{maildir: filepath.Join(folder, "maildir")}
	s.cmd = exec.Command(rig.program, "serve", "--trace",
		"--listen", "127.0.0.1:"+port, "--hostname", "sansmtp.test", "--store", "maildir:"+s.maildir,
		"--tls-cert", rig.env["CERTIFICATE"], "--tls-key", rig.env["KEY"], "--auth", users,
		"--expect", strconv.Itoa(count), "--timeout", "30s",
	)
	switch mode {
	case starttls:
		s.cmd.Args = append(s.cmd.Args, "--tls", "required", "--require-auth")
	case implicit:
		s.cmd.Args = append(s.cmd.Args, "--tls", "implicit", "--require-auth")
	}
	s.cmd.Stderr = &s.stderr
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.cmd.ProcessState == nil {
			_ = s.cmd.Process.Kill()
			_ = s.cmd.Wait()
		}
	})
	hint, err := bufio.NewReader(stdout).ReadString('\n')
	address := servedAt.FindStringSubmatch(hint)
	if err != nil || address == nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		t.Fatalf("the server says %q, then %v: %s", hint, err, &s.stderr)
	}
	s.port = address[1]
	return s
}

// interrupt has the server end.
func (s *served) interrupt(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
}

var servedLine = regexp.MustCompile(`^ *\d+\.\d{3} (\[\d+\] .*)\n$`)

// wait returns what was stored, and the conversations, once the server has ended: with
// exit code 0, and nothing to complain about.
func (s *served) wait(t *testing.T) (contents [][]byte, trace []string) {
	t.Helper()
	err := s.cmd.Wait()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	var complaints string
	for line := range strings.Lines(s.stderr.String()) {
		if m := servedLine.FindStringSubmatch(line); m != nil {
			trace = append(trace, m[1])
		} else {
			complaints += line
		}
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 || complaints != "" {
		t.Errorf("the server's exit code is %d, its complaint %q; it saw\n%s", code, complaints, strings.Join(trace, "\n"))
	}
	for _, sub := range []string{"tmp", "cur", "new"} {
		names, err := os.ReadDir(filepath.Join(s.maildir, sub))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if sub != "new" {
				t.Errorf("left over: %s/%s", sub, name.Name())
				continue
			}
			content, err := os.ReadFile(filepath.Join(s.maildir, sub, name.Name()))
			if err != nil {
				t.Fatal(err)
			}
			contents = append(contents, content)
		}
	}
	return contents, trace
}
