package store

import (
	"fmt"
	"strings"
	"testing"
)

// A message of 10 KiB, by one session and by many that share the waiting for the disk.
func BenchmarkDeliver(b *testing.B) {
	content := strings.Repeat("a line of text that is as long as most lines are, about.\r\n", 176)
	for _, k := range kinds {
		for _, sessions := range []int{1, 32} {
			b.Run(fmt.Sprint(k.name, "/", sessions), func(b *testing.B) {
				s, err := k.spec(b.TempDir()).Open(Config{Host: "mx.example"})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				b.SetBytes(int64(len(content)))
				b.SetParallelism(sessions)
				if sessions == 1 {
					for b.Loop() {
						if err := deliver(s, content, 4096); err != nil {
							b.Fatal(err)
						}
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := deliver(s, content, 4096); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}
