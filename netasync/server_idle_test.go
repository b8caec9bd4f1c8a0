package netasync_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/netasync"
)

// idleClients, in the environment, makes the test binary open connections and hold them
// until its input ends: "address number".
const idleClients = "SANSMTP_IDLE_CLIENTS"

// holdIdle is that process.
func holdIdle(spec string) {
	addr, number, _ := strings.Cut(spec, " ")
	n, err := strconv.Atoi(number)
	for i := 0; i < n && err == nil; i++ {
		var conn net.Conn
		if conn, err = net.Dial("tcp", addr); err != nil {
			break
		}
		defer conn.Close()
		r := bufio.NewReaderSize(conn, 512)
		if _, err = r.ReadString('\n'); err != nil {
			break
		}
		if _, err = conn.Write([]byte("EHLO me.example\r\n")); err != nil {
			break
		}
		for line := "250-"; strings.HasPrefix(line, "250-") && err == nil; {
			line, err = r.ReadString('\n')
		}
	}
	fmt.Println("held", err)
	io.Copy(io.Discard, os.Stdin)
}

// BenchmarkIdleConnections reports what a connection costs the server that has said
// EHLO and nothing since, in octets: heap and stacks after a garbage collection, and
// all that the process has resident. The clients are another process: 10,000, or 100
// with -short.
func BenchmarkIdleConnections(b *testing.B) {
	conns := 10_000
	if testing.Short() {
		conns = 100
	}
	for b.Loop() {
		backend, _ := box()
		srv := &netasync.Server{Handler: backend, MaxConnections: -1, MaxPerAddress: -1, Logger: slog.New(slog.DiscardHandler)}
		addr := serve(b, srv)
		before, residentBefore := memory1(), resident(b)
		cmd := exec.CommandContext(b.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), idleClients+"="+addr+" "+strconv.Itoa(conns))
		cmd.Stderr = os.Stderr
		stop, err := cmd.StdinPipe()
		if err != nil {
			b.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			b.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if line != "held <nil>\n" {
			b.Fatalf("the clients: %q, %v", line, err)
		}
		time.Sleep(1500 * time.Millisecond) // a Loop comes to rest a second behind its last input
		after := memory1()
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(conns), "heap-B/conn")
		b.ReportMetric(float64(after.StackInuse-before.StackInuse)/float64(conns), "stack-B/conn")
		b.ReportMetric(float64(after.HeapAlloc+after.StackInuse-before.HeapAlloc-before.StackInuse)/float64(conns), "B/conn")
		b.ReportMetric(float64(resident(b)-residentBefore)/float64(conns), "resident-B/conn")
		stop.Close()
		if err := cmd.Wait(); err != nil {
			b.Fatal(err)
		}
		srv.Close()
	}
}

func memory1() (m runtime.MemStats) {
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m
}

// resident is what the process has in memory; 0 where the system does not say so in
// this way.
func resident(b *testing.B) int {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, pages int
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		b.Fatal(err)
	}
	return pages * os.Getpagesize()
}
