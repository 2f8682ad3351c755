package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// load says what a server is driven with: signed POST requests with a JSON body of 1 KiB over kept-alive connections.
type load struct {
	address, path string
	connections   int
	duration      time.Duration
	// unique puts an Idempotency-Key of its own on every request.
	unique bool
}

// result is what a server made of a load.
type result struct {
	perSecond float64
	p99       time.Duration
	// failed counts the requests that were not answered 2xx.
	failed int64
}

// generating is a closed-loop generator: each connection sends its next request when the one before was answered.
type generating struct {
	name  string
	drive func(ctx context.Context, l load) (result, error)
}

// keyMark stands in a rendered request where the idempotency key is; its length never changes.
const keyMark = "000000000000000000000000"

// render gives the bytes of the request, the same ones for every generator.
func (l load) render() []byte {
	body := payload()
	head := "POST " + l.path + " HTTP/1.1\r\nHost: " + l.address + "\r\nContent-Type: application/json\r\n" +
		signatureHeader + ": " + hex.EncodeToString(sign(body)) + "\r\n"
	if l.unique {
		head += "Idempotency-Key: " + keyMark + "\r\n"
	}
	return append([]byte(head+"Content-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"), body...)
}

// payload is 1 KiB of JSON that looks like an event.
func payload() []byte {
	body := `{"id":"evt_bench","type":"order.created","created":1787000000,"data":{"order":1042,"total":"398.00","currency":"EUR","items":[`
	for i := 0; len(body) < 900; i++ {
		body += fmt.Sprintf(`{"sku":"LAN-%03d","quantity":%d,"price":"19.90"},`, i, i%3+1)
	}
	body = strings.TrimSuffix(body, ",") + `],"note":"`
	return []byte(body + strings.Repeat("x", 1024-len(body)-len(`"}}`)) + `"}}`)
}

// own is this program's closed-loop generator.
func own(ctx context.Context, l load) (result, error) {
	ctx, cancel := context.WithTimeout(ctx, l.duration)
	defer cancel()
	start := time.Now()
	times := make([][]time.Duration, l.connections)
	errs := make([]error, l.connections)
	var failed atomic.Int64
	var senders sync.WaitGroup
	for i := range l.connections {
		senders.Go(func() {
			times[i], errs[i] = sendUntil(ctx, l, i, &failed)
		})
	}
	senders.Wait()
	took := time.Since(start)
	for _, err := range errs {
		if err != nil {
			return result{}, err
		}
	}
	all := concat(times)
	return result{perSecond: float64(len(all)) / took.Seconds(), p99: percentile(all, 0.99), failed: failed.Load()}, nil
}

func sendUntil(ctx context.Context, l load, number int, failed *atomic.Int64) ([]time.Duration, error) {
	c, err := dial(ctx, l, number)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	var times []time.Duration
	for ctx.Err() == nil {
		start := time.Now()
		status, err := c.exchange()
		if err != nil {
			return nil, err
		}
		times = append(times, time.Since(start))
		if status/100 != 2 {
			failed.Add(1)
		}
	}
	return times, nil
}

func concat(parts [][]time.Duration) []time.Duration {
	var all []time.Duration
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

// connection sends the same request again and again. It does what an HTTP client must and nothing else, to leave the
// processors to the server.
type connection struct {
	net.Conn

	reader  *bufio.Reader
	request []byte
	key     []byte // the place of the idempotency key in the request; nil without one
	number  int
	sent    int
}

func dial(ctx context.Context, l load, number int) (*connection, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", l.address)
	if err != nil {
		return nil, err
	}
	c := &connection{Conn: conn, reader: bufio.NewReader(conn), request: l.render(), number: number}
	if l.unique {
		at := bytes.Index(c.request, []byte(keyMark))
		c.key = c.request[at : at+len(keyMark)]
	}
	return c, nil
}

// exchange sends the request and reads the whole answer.
func (c *connection) exchange() (status int, err error) {
	if c.key != nil {
		c.sent++
		copy(c.key, fmt.Sprintf("%08d%016d", c.number, c.sent))
	}
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return 0, err
	}
	if _, err := c.Write(c.request); err != nil {
		return 0, err
	}
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, fmt.Errorf("not an HTTP answer: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, err
	}
	length, err := c.header()
	if err != nil {
		return 0, err
	}
	_, err = c.reader.Discard(length)
	return status, err
}

// header reads the answer's header and gives the length of its body.
func (c *connection) header() (length int, err error) {
	length = -1
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
	if length < 0 {
		return 0, fmt.Errorf("the answer has no Content-Length")
	}
	return length, nil
}
