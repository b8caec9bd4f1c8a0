package peers_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// sink answers a client as a server would that checks nothing: it only finds out
// where content ends. Its replies wait until the input is used up, so that it adds
// nothing to what the client costs.
type sink struct {
	extensions []string
	messages   int
	octets     int64 // of content, as they came
}

var everything = []string{"PIPELINING", "SIZE", "8BITMIME", "CHUNKING", "BINARYMIME", "ENHANCEDSTATUSCODES"}

// without returns everything but the named extensions.
func without(names ...string) (rest []string) {
	for _, e := range everything {
		if !strings.Contains(strings.Join(names, " "), e) {
			rest = append(rest, e)
		}
	}
	return rest
}

var (
	endOfData = []byte("\r\n.\r\n")
	replyOK   = []byte("250 2.0.0 ok\r\n")
)

// serve returns when the client has gone.
func (s *sink) serve(conn net.Conn) error {
	in, out := bufio.NewReaderSize(conn, 64<<10), bufio.NewWriterSize(conn, 64<<10)
	out.WriteString("220 sink.example ESMTP\r\n")
	for {
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
		line, err := in.ReadSlice('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch verb, _, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(" ")); string(bytes.ToUpper(verb)) {
		case "EHLO":
			fmt.Fprint(out, "250-sink.example\r\n")
			for _, e := range s.extensions {
				fmt.Fprintf(out, "250-%s\r\n", e)
			}
			fmt.Fprint(out, "250 HELP\r\n")
		case "DATA":
			out.WriteString("354 go on\r\n")
			if err := out.Flush(); err != nil {
				return err
			}
			if err := s.content(in); err != nil {
				return err
			}
			out.Write(replyOK)
		case "BDAT":
			fields := strings.Fields(string(line))
			n, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				return err
			}
			if _, err := io.CopyN(io.Discard, in, n); err != nil {
				return err
			}
			s.octets += n
			if len(fields) == 3 {
				s.messages++
			}
			out.Write(replyOK)
		case "QUIT":
			out.WriteString("221 2.0.0 bye\r\n")
			return out.Flush()
		default:
			out.Write(replyOK)
		}
	}
}

// content takes content up to its end of data.
func (s *sink) content(in *bufio.Reader) error {
	last := []byte("\r\n") // the octets in front of the line
	for {
		line, err := in.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull {
			return err
		}
		if bytes.HasSuffix(last, endOfData[:2]) && string(line) == ".\r\n" {
			s.messages++
			return nil
		}
		s.octets += int64(len(line))
		last = append(last[:0], line[max(0, len(line)-2):]...)
	}
}
