package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

// TestMain lets scripts run the program itself, and wants no goroutine left.
func TestMain(m *testing.M) { testscript.Main(tidy{m}, map[string]func(){"sansmtp": main}) }

type tidy struct{ *testing.M }

func (m tidy) Run() int {
	code := m.M.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// TestScripts plays testdata/script. Beside the commands of testscript there are
//
//	serve NAME FILE         a server by the script in FILE, for one connection; $NAME is its address,
//	                        $NAME_PORT the port
//	served                  waits for all servers, and wants them to have seen what they should
//	exits CODE ARG...       runs the command in this process, and wants its exit code; an
//	                        argument <FILE makes FILE its standard input, <! one that fails,
//	                        <? one where somebody interrupts the command before anything
//	                        comes, <+ one that stalls in the middle
//	report FILE             puts the report on standard output into FILE, indented, with all
//	                        durations zero
//	transcript FILE         puts standard error into FILE, with all times zero
//	text FILE OCTETS        makes a message of that size
//	nul FILE                makes a file with a NUL in it
//
// $PORT stands for a port that nobody listens at, and ca.pem has the root of the
// certificates that servers show.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			w := &world{}
			env.Values[worldKey{}] = w
			env.Defer(func() { w.close() })
			env.Setenv("PORT", freePort())
			return os.WriteFile(filepath.Join(env.WorkDir, "ca.pem"), identity().root, 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": cmdServe, "served": cmdServed, "exits": cmdExits, "report": cmdReport,
			"transcript": cmdTranscript, "text": cmdText, "nul": cmdNUL,
		},
	})
}

// world is what the commands of one script share.
type world struct {
	mu      sync.Mutex
	servers []*server
	stalled []io.Closer
	cancel  context.CancelCauseFunc // of the command that runs
}

type worldKey struct{}

var errInterrupted = errors.New("interrupted")

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

func (w *world) interrupt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cancel(errInterrupted)
}

func (w *world) close() (faults []error) {
	for _, s := range w.servers {
		if err := s.wait(); err != nil {
			faults = append(faults, err)
		}
	}
	for _, c := range w.stalled {
		c.Close()
	}
	w.servers, w.stalled = nil, nil
	return faults
}

func cmdServe(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: serve NAME FILE")
	}
	w := worldOf(ts)
	s, err := serve(args[0], ts.ReadFile(args[1]), ts.MkAbs(args[0]+".sock"), w.interrupt)
	ts.Check(err)
	w.servers = append(w.servers, s)
	ts.Setenv(args[0], s.address)
	if _, port, err := net.SplitHostPort(s.address); err == nil {
		ts.Setenv(args[0]+"_PORT", port)
	}
}

func cmdServed(ts *testscript.TestScript, neg bool, args []string) {
	if faults := worldOf(ts).close(); len(faults) > 0 {
		ts.Fatalf("%v", errors.Join(faults...))
	}
}

func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: exits CODE ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	w := worldOf(ts)
	sys := system{stdin: strings.NewReader(""), stdout: ts.Stdout(), stderr: ts.Stderr(), getenv: ts.Getenv}
	var rest []string
	for _, arg := range args[1:] {
		switch name, input := strings.CutPrefix(arg, "<"); {
		case !input:
			rest = append(rest, arg)
		case name == "!":
			sys.stdin = io.MultiReader(half(), failing{})
		case name == "?":
			stalling := w.stalling()
			sys.stdin = readerFunc(func(p []byte) (int, error) {
				w.interrupt()
				return stalling.Read(p)
			})
		case name == "+":
			sys.stdin = io.MultiReader(half(), w.stalling())
		default:
			sys.stdin = strings.NewReader(ts.ReadFile(name))
		}
	}
	for i := range rest {
		if namesFile(rest, i) {
			rest[i] = ts.MkAbs(rest[i])
		}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	w.mu.Lock()
	w.cancel = cancel
	w.mu.Unlock()
	if code := run(ctx, rest, sys); code != want {
		ts.Fatalf("exit code %d, want %d; %v", code, want, errors.Join(w.close()...))
	}
}

// namesFile reports whether an argument is the name of a file, which the command
// would look for in the directory of the test.
func namesFile(args []string, i int) bool {
	if strings.HasSuffix(args[i], ".eml") {
		return true
	}
	return i > 0 && slices.Contains([]string{"--password-file", "--token-file", "--tls-ca"}, args[i-1])
}

// half is a message that is not at its end.
func half() io.Reader { return strings.NewReader("Subject: half\n\n" + strings.Repeat("x", headSize)) }

// stalling is a source that has nothing to give until the script is over.
func (w *world) stalling() io.Reader {
	reader, writer := io.Pipe()
	w.stalled = append(w.stalled, writer)
	return reader
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// failing is a source that breaks.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

var (
	durations = regexp.MustCompile(`("durations_ms":\{)([^}]*)`)
	duration  = regexp.MustCompile(`:[0-9.e-]+`)
	elapsed   = regexp.MustCompile(`(?m)^ +\d+\.\d{3} `)
)

func cmdReport(ts *testscript.TestScript, neg bool, args []string) {
	got := ts.ReadFile("stdout")
	got = durations.ReplaceAllStringFunc(got, func(s string) string { return duration.ReplaceAllString(s, ":0") })
	var b bytes.Buffer
	ts.Check(json.Indent(&b, []byte(got), "", "  "))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o600))
}

func cmdTranscript(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(elapsed.ReplaceAllString(ts.ReadFile("stderr"), "0 ")), 0o600))
}

func cmdText(ts *testscript.TestScript, neg bool, args []string) {
	size, err := strconv.Atoi(args[1])
	ts.Check(err)
	text := "Subject: big\n\n" + strings.Repeat("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n", size/64+1)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text[:size]), 0o600))
}

func cmdNUL(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte("\x7fELF\x02\x01\x01\x00\x00"), 0o600))
}
