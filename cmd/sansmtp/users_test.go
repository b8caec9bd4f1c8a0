package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
)

// bindable is a connection under TLS with a channel binding.
var bindable = protocol.TLSState{Version: 0x0304, Exporter: make([]byte, 32)}

// The keys of the example in RFC 7677 §3, whose password is "pencil".
const pencil = "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

// The keys of the example in RFC 5802 §5, of the same password.
const pencil1 = "{SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE="

// openAuth writes a file of users and opens it.
func openAuth(t *testing.T, text string) (*auth.Server, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return authServer(name, "mx.example", false)
}

// logIn lets a client and a server talk, by a mechanism that the server offers.
func logIn(t *testing.T, s *auth.Server, mechanism, username, password string) error {
	t.Helper()
	list, err := auth.Password("", username, password).Only(mechanism)
	if err != nil {
		t.Fatal(err)
	}
	client, err := list[0].New(bindable)
	if err != nil {
		t.Fatal(err)
	}
	server, err := s.New(mechanism, bindable)
	if err != nil {
		t.Fatal(err)
	}
	_, response, err := client.Start()
	if err != nil {
		t.Fatal(err)
	}
	for {
		challenge, done, err := server.Next(response)
		if err != nil || done {
			return err
		}
		if response, err = client.Next(challenge); err != nil {
			return err
		}
	}
}

func TestUsersLogIn(t *testing.T) { // P9 C99
	scram256 := []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"}
	scram1 := []string{"SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "PLAIN", "LOGIN"}
	scram := []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"}
	all := []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"}
	tests := []struct {
		name, file string
		mechanisms []string
		users      map[string]string
	}{
		{"passwords", "# people\n\ntim:tan:st#aaf \r\n  # more\nann smith:{plain}{x}y\nＪim:pencil", all,
			map[string]string{"tim": "tan:st#aaf ", "ann smith": "{x}y", "Jim": "pencil"}},
		{"SHA-256", "user:" + pencil, scram256, map[string]string{"user": "pencil"}},
		{"SHA-1", "user:" + pencil1 + "\n", scram1, map[string]string{"user": "pencil"}},
		{"both", "user:" + pencil + "\nuser:" + pencil1, scram, map[string]string{"user": "pencil"}},
		{"one without a password", "tim:secret\nuser:" + pencil, scram256, map[string]string{"tim": "secret", "user": "pencil"}},
		{"one with one hash", "tim:secret\nuser:" + pencil1 + "\nboth:" + pencil + "\nboth:" + pencil1, scram1,
			map[string]string{"tim": "secret", "user": "pencil", "both": "pencil"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := openAuth(t, test.file)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Mechanisms(bindable); !slices.Equal(got, test.mechanisms) {
				t.Errorf("offers %q", got)
			}
			if s.Name != "mx.example" || slices.Contains(s.Mechanisms(protocol.TLSState{}), "PLAIN") {
				t.Errorf("%q, %q", s.Name, s.Mechanisms(protocol.TLSState{}))
			}
			for _, mechanism := range test.mechanisms {
				for username, password := range test.users {
					if err := logIn(t, s, mechanism, username, password); err != nil {
						t.Errorf("%s as %q: %v", mechanism, username, err)
					}
					if err := logIn(t, s, mechanism, username, password+"x"); err == nil {
						t.Errorf("%s as %q with a wrong password", mechanism, username)
					}
				}
				if err := logIn(t, s, mechanism, "nobody", "pencil"); err == nil {
					t.Errorf("%s as nobody", mechanism)
				}
			}
		})
	}
}

// Nothing of the line is in the error: it may be a password.
func TestUsersRefused(t *testing.T) {
	tests := []struct{ file, want string }{
		{"", ": no users in it"},
		{"# nobody\n", ": no users in it"},
		{"ok:fine\n\nhunter2\n", ":3: no colon behind the user name"},
		{":hunter2", ":1: user name: not as RFC 8265 allows"},
		{" tim:hunter2", ":1: user name: not as RFC 8265 allows"},
		{"tim:", ":1: no password"},
		{"tim:{PLAIN}", ":1: no password"},
		{"tim:hun\x00ter2", ":1: password: not as RFC 8265 allows"},
		{"tim:hunter2\ntim:hunter2", ":2: the same user again"},
		{"tim:hunter2\nｔim:hunter2", ":2: the same user again"},
		{"tim:hunter2\ntim:" + pencil, ":2: the same user again"},
		{"tim:" + pencil + "\ntim:hunter2", ":2: the same user again"},
		{"tim:" + pencil + "\ntim:" + pencil, ":2: the same user again"},
		{"tim:{hunter2", ":1: unknown scheme; a password that begins with a brace needs {PLAIN} in front"},
		{"tim:{CRYPT}hunter2", ":1: unknown scheme; a password that begins with a brace needs {PLAIN} in front"},
		{"tim:{SCRAM-SHA-256}hunter2", ":1: not ITERATIONS,SALT,STORED-KEY,SERVER-KEY in base64"},
		{"tim:{SCRAM-SHA-256}x,aA==,aA==,aA==", ":1: not ITERATIONS,SALT,STORED-KEY,SERVER-KEY in base64"},
		{"tim:{SCRAM-SHA-256}4096,hunter2,aA==,aA==", ":1: not ITERATIONS,SALT,STORED-KEY,SERVER-KEY in base64"},
		{"tim:{SCRAM-SHA-256}4096,aA==,aA==,aA==", ":1: SCRAM credentials: keys are not of the size of the hash"},
		{"tim:" + strings.Replace(pencil, "4096", "4095", 1), ":1: SCRAM credentials: iteration count 4095 is not in 4096 to 1000000"},
		{"tim:" + strings.Replace(pencil, "SHA-256", "SHA-1", 1), ":1: SCRAM credentials: keys are not of the size of the hash"},
		{"tim:" + pencil + "\ntom:" + pencil1, ": users have no hash of SCRAM in common"},
	}
	for _, test := range tests {
		s, err := openAuth(t, test.file)
		if s != nil || err == nil {
			t.Errorf("%q: %v", test.file, err)
			continue
		}
		_, got, _ := strings.Cut(err.Error(), string(filepath.Separator)+"users")
		if got != test.want || !strings.HasPrefix(err.Error(), "--auth: ") {
			t.Errorf("%q: %v\nwant %s", test.file, err, test.want)
		}
	}
	if _, err := authServer(filepath.Join(t.TempDir(), "none"), "", false); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// A user that does not exist has the iterations that most of the others have.
func TestUsersIterations(t *testing.T) { // H-A9
	more := strings.Replace(pencil, "4096", "5000", 1)
	for file, want := range map[string]int{
		"a:x": auth.DefaultSCRAMIterations,
		"a:" + pencil + "\nb:" + pencil + "\nc:" + more: 4096,
		"a:" + pencil + "\nb:" + more:                   5000,
		"a:" + pencil + "\nb:" + pencil + "\nc:x":       4096,
	} {
		s, err := openAuth(t, file)
		if err != nil || s.SCRAMIterations != want {
			t.Errorf("%q: %d, %v", file, s.SCRAMIterations, err)
		}
	}
}

func TestAnybodyLogsIn(t *testing.T) {
	s, err := authServer("any", "mx.example", true)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"PLAIN", "LOGIN"}
	if got := s.Mechanisms(protocol.TLSState{}); !slices.Equal(got, want) {
		t.Errorf("offers %q", got)
	}
	for _, mechanism := range want {
		if err := logIn(t, s, mechanism, "anybody", "anything"); err != nil {
			t.Errorf("%s: %v", mechanism, err)
		}
	}
	server, err := s.New("PLAIN", bindable)
	if err != nil {
		t.Fatal(err)
	}
	if _, done, err := server.Next([]byte("root\x00anybody\x00anything")); !done || err != nil {
		t.Errorf("as somebody else: %v, %v", done, err)
	}
	if s, err = authServer("any", "", false); err != nil || len(s.Mechanisms(protocol.TLSState{})) > 0 {
		t.Errorf("without TLS: %q, %v", s.Mechanisms(protocol.TLSState{}), err)
	}
}
