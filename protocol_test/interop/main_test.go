//go:build interop

// Package interop holds the tests that send mail to real servers, and read back
// what they stored. README.md says how to start the servers.
package interop

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// rig is what all tests share. TestMain sets it.
var rig struct {
	folder  string            // of the servers
	env     map[string]string // what servers.sh says about them
	program string            // sansmtp, as go build makes it
	stores  map[string]*store // by folder
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	scratch, err := os.MkdirTemp("", "sansmtp-interop-test")
	if err != nil {
		return complain(err)
	}
	defer os.RemoveAll(scratch)
	if err := setUp(scratch); err != nil {
		return complain(err)
	}
	code := m.Run()
	if code != 0 {
		return code
	}
	for _, s := range rig.stores {
		if err := s.tally(); err != nil {
			return complain(err)
		}
	}
	if err := goleak.Find(); err != nil {
		return complain(err)
	}
	return 0
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, "interop:", err)
	return 1
}

// setUp finds the servers and builds the program. Servers that are not there are a
// failure: a test that is skipped shows nothing.
func setUp(scratch string) error {
	const hint = "start the servers with protocol_test/interop/servers.sh start"
	rig.folder = os.Getenv("SANSMTP_INTEROP")
	if rig.folder == "" {
		rig.folder = filepath.Join(os.TempDir(), "sansmtp-interop")
	}
	var err error
	if rig.env, err = readEnv(filepath.Join(rig.folder, "env")); err != nil {
		return fmt.Errorf("%w; %s", err, hint)
	}
	rig.stores = map[string]*store{}
	for _, s := range servers() {
		conn, err := net.Dial(s.network(), s.address)
		if err != nil {
			return fmt.Errorf("%s does not answer: %w; %s", s.name, err, hint)
		}
		conn.Close()
		if err := s.store.forget(); err != nil {
			return err
		}
	}
	rig.program = filepath.Join(scratch, "sansmtp")
	build := exec.Command("go", "build", "-o", rig.program, "github.com/sansmtp/sansmtp/cmd/sansmtp")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("go build: %w", err)
	}
	return nil
}

// readEnv reads KEY=VALUE lines.
func readEnv(name string) (map[string]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	env := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), "=")
		env[key] = value
	}
	return env, nil
}
