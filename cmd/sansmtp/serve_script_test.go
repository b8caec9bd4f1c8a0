package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestServeScripts plays testdata/serve. Beside the commands of testscript there are
//
//	server NAME ARG...   runs "sansmtp serve ARG..." until the script is over; $NAME is its URL
//	paste NAME           gives the line that the server printed to a shell
//	interrupt NAME       sends the server SIGTERM
//	ended NAME CODE      waits until the server has ended, and wants its exit code; what it
//	                     printed behind its first line is in the files NAME.stdout and NAME.stderr
//	only DIR FILE        wants the one file in DIR to have the content of FILE, with CRLF
func TestServeScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/serve",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			servers := map[string]*process{}
			env.Values[serversKey{}] = servers
			env.Defer(func() {
				for _, p := range servers {
					p.kill()
				}
			})
			env.Setenv("TMPDIR", env.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"server": cmdServer, "paste": cmdPaste, "interrupt": cmdInterrupt, "ended": cmdEnded, "only": cmdOnly,
		},
	})
}

type serversKey struct{}

func serversOf(ts *testscript.TestScript) map[string]*process {
	return ts.Value(serversKey{}).(map[string]*process)
}

func cmdServer(ts *testscript.TestScript, neg bool, args []string) {
	p, err := runServer(ts.MkAbs("."), args[1:]...)
	ts.Check(err)
	serversOf(ts)[args[0]] = p
	ts.Setenv(args[0], p.url)
}

func cmdPaste(ts *testscript.TestScript, neg bool, args []string) {
	shell := exec.Command("sh", "-c", serversOf(ts)[args[0]].hint)
	out, err := shell.CombinedOutput()
	if err != nil {
		ts.Fatalf("%v: %s", err, out)
	}
	_, err = ts.Stdout().Write(out)
	ts.Check(err)
}

func cmdInterrupt(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(serversOf(ts)[args[0]].cmd.Process.Signal(os.Interrupt))
}

func cmdEnded(ts *testscript.TestScript, neg bool, args []string) {
	p := serversOf(ts)[args[0]]
	code, err := p.wait()
	ts.Check(err)
	if strconv.Itoa(code) != args[1] {
		ts.Fatalf("exit code %d, want %s: %s", code, args[1], p.stderr.String())
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".stdout"), []byte(p.stdout.String()), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".stderr"), []byte(p.stderr.String()), 0o600))
}

func cmdOnly(ts *testscript.TestScript, neg bool, args []string) {
	files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*"))
	ts.Check(err)
	if len(files) != 1 {
		ts.Fatalf("%d files in %s", len(files), args[0])
	}
	if got, want := ts.ReadFile(files[0]), crlf(ts.ReadFile(args[1])); got != want {
		ts.Fatalf("%s has %q, want %q", args[0], got, want)
	}
}

// crlf returns a text with the line ends of SMTP.
func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
