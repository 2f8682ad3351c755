package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
	"github.com/grapnel-dev/grapnel/internal/store/sqlite"
)

// The tests of crashes run the store in a process of its own: this test binary again, with the variables below. It puts
// load on the store and writes a line for each thing that the store has confirmed, with one system call:
//
//	opened
//	accepted <event id>
//	settled <event id>     as delivered
//	refused <error>        and the process ends
const (
	childDir    = "GRAPNEL_STORE_CHILD"
	childEvents = "GRAPNEL_STORE_CHILD_EVENTS"    // how many to accept; without it, until it is killed
	childLimit  = "GRAPNEL_STORE_CHILD_FILE_SIZE" // the size that no file may exceed
)

func runChild(dir string) int {
	if err := limitFileSize(os.Getenv(childLimit)); err != nil {
		fmt.Println("refused", err)
		return 1
	}
	s, err := sqlite.Open(context.Background(), dir, sqlite.Options{})
	if err != nil {
		fmt.Println("refused", err)
		return 1
	}
	fmt.Println("opened")
	if err := load(s, os.Getenv(childEvents)); err != nil {
		fmt.Println("refused", err)
		return reportFailure(s)
	}
	if err := s.Close(); err != nil {
		fmt.Println("refused", err)
		return 1
	}
	return 0
}

func reportFailure(s *sqlite.Store) int {
	if s.Err() == nil {
		return 1
	}
	<-s.Failed()
	_, err := s.Accept(context.Background(), childEntry())
	fmt.Printf("failed %v; then: %v\n", s.Err(), err)
	return 2
}

// limitFileSize makes writes beyond a size fail, as on a disk with a quota.
func limitFileSize(bytes string) error {
	if bytes == "" {
		return nil
	}
	size, err := strconv.ParseUint(bytes, 10, 64)
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: size})
}

// load accepts events, hands every second one over, and settles those as delivered.
func load(s *sqlite.Store, events string) (failure error) {
	left := int64(1 << 62)
	_, _ = fmt.Sscan(events, &left)
	var remaining atomic.Int64
	remaining.Store(left)
	var once sync.Once
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for n := remaining.Add(-1); n >= 0; n = remaining.Add(-1) {
				if err := acceptAndSettle(s, n%2 == 0); err != nil {
					once.Do(func() { failure = err })
					return
				}
			}
		})
	}
	callers.Wait()
	return failure
}

func acceptAndSettle(s *sqlite.Store, handOver bool) error {
	entry := childEntry()
	if handOver {
		entry.Steps[0].LeaseUntil = time.Now().Add(time.Minute)
	}
	accepted, err := s.Accept(context.Background(), entry)
	if err != nil {
		return err
	}
	fmt.Println("accepted", accepted.EventID)
	if !handOver {
		return nil
	}
	if _, err := s.Settle(context.Background(), delivered(accepted.Leases[0])); err != nil {
		return err
	}
	fmt.Println("settled", accepted.EventID)
	return nil
}

func childEntry() store.Entry {
	e := benchEntry()
	e.Event.Body = make([]byte, 9000)
	e.Event.DedupeKey, e.DedupeWindow = uuid.NewString(), time.Hour
	e.Chain = event.SequentialStop
	e.Steps = append(e.Steps, store.Step{Destination: "orders.second"})
	return e
}

// child is such a process, with what it confirmed so far.
type child struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
	// accepted and settled are the ids of events; last is the last line.
	accepted, settled []string
	last              string
}

// startChild starts a child on a directory. wrap is a command that runs it, as strace.
func startChild(t testing.TB, dir string, variables []string, wrap ...string) *child {
	t.Helper()
	args := append(wrap, os.Args[0])
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Env = append(cmd.Env, variables...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &child{cmd: cmd, lines: bufio.NewScanner(io.Reader(out))}
}

// read reads what the child confirms, until it has confirmed that many lines or has ended.
func (c *child) read(lines int) {
	for n := 0; n < lines && c.lines.Scan(); n++ {
		c.last = c.lines.Text()
		what, id, _ := strings.Cut(c.last, " ")
		switch what {
		case "accepted":
			c.accepted = append(c.accepted, id)
		case "settled":
			c.settled = append(c.settled, id)
		}
	}
}

// kill ends the child with SIGKILL and reads what it had confirmed until then.
func (c *child) kill(t testing.TB) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.read(1 << 30)
	_ = c.cmd.Wait() // it was killed
}

// wait reads until the child ends by itself.
func (c *child) wait() error {
	c.read(1 << 30)
	return c.cmd.Wait()
}

// lost lists what was confirmed and is not in the store.
func lost(t testing.TB, s *sqlite.Store, accepted, settled []string) (missing []string) {
	t.Helper()
	for _, id := range accepted {
		if _, err := s.Event(t.Context(), id); err != nil {
			missing = append(missing, "accepted "+id+": "+err.Error())
		}
	}
	for _, id := range settled {
		found, err := s.Deliveries(t.Context(), id)
		if err != nil || len(found) != 2 || found[0].State != event.Delivered || found[1].State != event.Pending {
			missing = append(missing, fmt.Sprintf("settled %s: %+v, %v", id, found, err))
		}
	}
	return missing
}

// wantBalance checks the conservation equation against the rows.
func wantBalance(t testing.TB, s *sqlite.Store) {
	t.Helper()
	counts, err := s.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	recount, err := s.Recount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for destination, one := range counts {
		if !one.Balanced() || one.Accepted != recount[destination].Accepted || one.States[event.Pending] != recount[destination].States[event.Pending] {
			t.Errorf("%s: counters %+v, rows %+v", destination, one, recount[destination])
		}
	}
}
