//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// report is what `sansmtp send --json` prints, by its documentation.
type report struct {
	Outcome    string             `json:"outcome"`
	Exit       int                `json:"exit"`
	Temporary  bool               `json:"temporary"`
	RetrySafe  bool               `json:"retry_safe"`
	Error      string             `json:"error"`
	Kind       string             `json:"kind"`
	Step       string             `json:"step"`
	Server     string             `json:"server"`
	TLS        *tlsReport         `json:"tls"`
	Reply      *reply             `json:"reply"`
	Recipients []recipient        `json:"recipients"`
	RoundTrips int                `json:"round_trips"`
	Octets     octets             `json:"octets"`
	Durations  map[string]float64 `json:"durations_ms"`
}

type tlsReport struct {
	Version    string `json:"version"`
	Verified   bool   `json:"verified"`
	ServerName string `json:"server_name"`
}

type reply struct {
	Code     int    `json:"code"`
	Enhanced string `json:"enhanced"`
	Text     string `json:"text"`
}

type recipient struct {
	Address string `json:"address"`
	Outcome string `json:"outcome"`
	Reply   *reply `json:"reply"`
	Rcpt    *reply `json:"rcpt"`
}

type octets struct {
	Sent     int `json:"sent"`
	Received int `json:"received"`
}

// sent is one run of the program.
type sent struct {
	report
	trace []string // without the times
}

var traceLine = regexp.MustCompile(`^ *\d+\.\d{3} ((?:->|<-|--) .*)$`)

// send runs `sansmtp send` with a message from a file, or from standard input if
// stdin is not nil. What holds for every run is checked here: the exit code, the one
// line on standard error, and that no secret is shown.
func send(t *testing.T, stdin []byte, args ...string) sent {
	t.Helper()
	args = append([]string{
		"send", "--json", "--trace", "--timeout", "30s", "--helo", "client.test", "--from", "sender@client.test",
	}, args...)
	cmd := exec.CommandContext(t.Context(), rig.program, args...)
	cmd.Env = []string{"SANSMTP_PASSWORD=" + password(args)}
	if stdin != nil {
		cmd.Stdin = bytes.NewReader(stdin)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	var s sent
	decoder := json.NewDecoder(strings.NewReader(scrub(stdout.String())))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s.report); err != nil {
		t.Fatalf("%v: %v\n%s%s", args, err, &stdout, &stderr)
	}
	if decoder.More() {
		t.Errorf("more than one object: %s", &stdout)
	}
	if code := cmd.ProcessState.ExitCode(); code != s.Exit {
		t.Errorf("exit code %d, but %d in the report", code, s.Exit)
	}
	var complaints string
	for line := range strings.Lines(stderr.String()) {
		if trace := traceLine.FindStringSubmatch(strings.TrimSuffix(line, "\n")); trace != nil {
			s.trace = append(s.trace, trace[1])
		} else {
			complaints += line
		}
	}
	want := ""
	if s.Error != "" {
		want = "sansmtp: " + s.Error + "\n"
	}
	if got := scrub(complaints); got != want {
		t.Errorf("standard error %q, want %q", got, want)
	}
	for _, secret := range secrets {
		if strings.Contains(stdout.String()+stderr.String(), secret) {
			t.Errorf("%q is shown:\n%s%s", secret, &stdout, &stderr)
		}
	}
	if t.Failed() {
		t.Logf("%v\n%s%s", args, &stdout, &stderr)
	}
	return s
}

// password is the one that goes with the arguments.
func password(args []string) string {
	if slices.Contains(args, wrongUser) {
		return wrongPassword
	}
	return rig.env["LOGIN_PASSWORD"]
}

// changing are the parts of replies and errors that differ from run to run: the
// names that servers give to what they have accepted, and times.
var changing = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`\d+ bytes queued as `), "N bytes queued as "},
	{regexp.MustCompile(`\d+ byte chunk, total \d+`), "N byte chunk, total N"},
	{regexp.MustCompile(`(queued as |OK id=|Stored as )[0-9A-Za-z-]+`), "${1}ID"},
	{regexp.MustCompile(`[0-9a-f]{8} Message accepted`), "ID Message accepted"},
	{regexp.MustCompile(`> [0-9A-Za-z+/]{22}(:[RT]\d+)* Saved`), "> ID Saved"},
	{regexp.MustCompile(`current time \S+ is after \S+Z`), "current time NOW is after THEN"},
}

func scrub(s string) string {
	for _, c := range changing {
		s = c.pattern.ReplaceAllString(s, c.instead)
	}
	return s
}

// want compares a report. Where want has no RoundTrips, Octets or Durations, they
// are not compared.
func (s sent) want(t *testing.T, want report) {
	t.Helper()
	if want.RoundTrips == 0 {
		want.RoundTrips = s.RoundTrips
	}
	if want.Octets == (octets{}) {
		want.Octets = s.Octets
	}
	want.Durations = s.Durations
	if !reflect.DeepEqual(s.report, want) {
		t.Errorf("report\n%s\nwant\n%s\n%s", indent(s.report), indent(want), strings.Join(s.trace, "\n"))
	}
}

func indent(r report) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(r); err != nil {
		panic(err)
	}
	return b.String()
}

var contentLine = regexp.MustCompile(`^\((\d+) octets of content\)$`)

// count adds up what the trace shows: content apart.
func (s sent) count(t *testing.T) (total octets, content int) {
	t.Helper()
	for _, entry := range s.trace {
		direction, line := entry[:2], entry[3:]
		n := len(line) + len("\r\n")
		if m := contentLine.FindStringSubmatch(line); m != nil {
			var err error
			if n, err = strconv.Atoi(m[1]); err != nil {
				t.Fatal(err)
			}
			content += n
		}
		switch direction {
		case "->":
			total.Sent += n
		case "<-":
			total.Received += n
		}
	}
	return total, content
}
