//go:build linux

package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var floodSize = flag.Int64("flood.octets", 64<<20, "octets of content over the server's limit")

// TestOversizedContentTakesNoMemory sends content that is far over the limit without
// saying so first. The server reads it to its end, keeps none of it, and refuses it.
//
// H-R18, C59
func TestOversizedContentTakesNoMemory(t *testing.T) {
	server := startServer(t, "--tls", "off", "--max-size", "1MiB", "--hostname", "mx.example")
	conn, err := net.Dial("tcp", server.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	say := func(command, want string) {
		t.Helper()
		if _, err := io.WriteString(conn, command); err != nil {
			t.Fatal(err)
		}
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if len(line) > 3 && line[3] == '-' {
				continue
			}
			if line != want+"\r\n" {
				t.Fatalf("%q, want %q", line, want)
			}
			return
		}
	}
	say("", "220 mx.example ESMTP")
	say("HELO me.example\r\n", "250 mx.example")
	say("MAIL FROM:<>\r\n", "250 2.1.0 ok")
	say("RCPT TO:<bob@example.org>\r\n", "250 2.1.5 ok")
	say("DATA\r\n", "354 end data with <CR><LF>.<CR><LF>")
	before := peakMemory(t, server.cmd.Process.Pid)
	line := strings.Repeat("x", 76) + "\r\n"
	block := strings.Repeat(line, 1000)
	sent := int64(0)
	for ; sent < *floodSize; sent += int64(len(block)) {
		if _, err := io.WriteString(conn, block); err != nil {
			t.Fatal(err)
		}
	}
	say(".\r\n", "552 5.3.4 message too large")
	after := peakMemory(t, server.cmd.Process.Pid)
	t.Logf("%d octets sent; peak memory %d KiB before, %d KiB after", sent, before>>10, after>>10)
	if after-before > 16<<20 { // the race detector alone takes ten
		t.Errorf("peak memory rose by %d octets", after-before)
	}
	say("QUIT\r\n", "221 2.0.0 mx.example closes the connection")
}

var peakLine = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peakMemory is the most that a process ever had resident, in octets.
func peakMemory(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	found := peakLine.FindSubmatch(status)
	if found == nil {
		t.Fatalf("no peak in %q", status)
	}
	kib, err := strconv.ParseInt(string(found[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}
