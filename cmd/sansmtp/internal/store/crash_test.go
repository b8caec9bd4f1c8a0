//go:build unix

package store

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// The environment of a process that is to die.
const (
	crashSpec = "SANSMTP_TEST_CRASH_SPEC"
	crashAt   = "SANSMTP_TEST_CRASH_AT" // the operation; 0: it is killed from outside
)

func TestMain(m *testing.M) {
	if spec := os.Getenv(crashSpec); spec != "" {
		if err := storeUntilDeath(spec, os.Getenv(crashAt)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// storeUntilDeath prints a line for each message that was kept.
func storeUntilDeath(text, at string) error {
	spec, err := ParseSpec(text)
	if err != nil {
		return err
	}
	last, err := strconv.Atoi(at)
	if err != nil {
		return err
	}
	d := &disk{}
	if last > 0 {
		n := 0
		d.fault = func(string) error {
			if n++; n == last {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
			return nil
		}
	}
	s, err := spec.open(Config{Host: "mx.example"}, d)
	if err != nil {
		return err
	}
	if last == 0 {
		return storeForEver(s)
	}
	for i, content := range sweep {
		if err := deliver(s, content, 5000); err != nil {
			return err
		}
		fmt.Println(i)
	}
	return nil
}

// storeForEver has many sessions at once.
func storeForEver(s Store) error {
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := 0; ; j++ {
				if err := deliver(s, numbered(i, j%40), 9000); err != nil {
					panic(err)
				}
				fmt.Printf("%d %d\n", i, j%40)
			}
		})
	}
	wg.Wait()
	return nil
}

func crash(spec Spec, at int) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), crashSpec+"="+spec.String(), crashAt+"="+strconv.Itoa(at))
	cmd.Stderr = os.Stderr
	return cmd
}

// killed reports whether a process ended by SIGKILL; it fails the test if it ended by
// anything else but success.
func killed(t *testing.T, err error) bool {
	t.Helper()
	if err == nil {
		return false
	}
	if exit, is := err.(*exec.ExitError); !is || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatal(err)
	}
	return true
}

// At whichever operation the process dies, in the middle of writes too, what was
// acknowledged is there, the message under way is there whole or not at all, and the
// next process goes on.
func TestDeathAtEveryOperation(t *testing.T) { // C18 C31 C47
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			at, dies := 0, true
			for dies {
				at++
				spec := k.spec(filepath.Join(dir, strconv.Itoa(at)))
				if err := os.Mkdir(filepath.Join(dir, strconv.Itoa(at)), 0o700); err != nil {
					t.Fatal(err)
				}
				out, err := crash(spec, at).Output()
				dies = killed(t, err)
				kept := strings.Count(string(out), "\n")
				if !dies && kept != len(sweep) {
					t.Fatalf("it kept %d messages, and ended", kept)
				}
				if err := deliver(open(t, spec, &disk{}), "afterwards\r\n", 100); err != nil {
					t.Fatal(err)
				}
				wantKept(t, k, spec, append(slices.Clone(sweep[:kept]), "afterwards\r\n"), sweep[kept:min(kept+1, len(sweep))])
			}
			if at < 20 {
				t.Errorf("only %d operations", at)
			}
		})
	}
}

// The same with many sessions, and a death from outside.
func TestDeathAmongManySessions(t *testing.T) { // C18 C31
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			spec := k.spec(t.TempDir())
			var want, may []string
			for round := range 3 {
				cmd := crash(spec, 0)
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				next := [8]int{}
				lines := 0
				for scan := bufio.NewScanner(out); scan.Scan(); {
					var i, j int
					if _, err := fmt.Sscan(scan.Text(), &i, &j); err != nil {
						t.Fatal(err)
					}
					want = append(want, numbered(i, j))
					next[i] = (j + 1) % 40
					if lines++; lines == 40+20*round {
						_ = cmd.Process.Kill()
					}
				}
				if !killed(t, cmd.Wait()) {
					t.Fatal("it ended by itself")
				}
				for i, j := range next {
					may = append(may, numbered(i, j))
				}
			}
			if err := deliver(open(t, spec, &disk{}), "afterwards\r\n", 100); err != nil {
				t.Fatal(err)
			}
			wantKept(t, k, spec, append(want, "afterwards\r\n"), may)
		})
	}
}
