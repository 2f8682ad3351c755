package sqlite_test

import (
	"bufio"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// step is a system call that matters to what a disk holds, or a line by which the child confirmed something.
type step struct {
	kind kind
	// name is a file's in the directory; "." is the directory itself.
	name   string
	offset int64  // of a write; for truncates the new size
	text   string // what was written
}

type kind int

const (
	creates kind = iota
	removes
	writes
	truncates
	syncs
	confirms
)

// tracer reads what strace -f -xx writes down. A call that another thread interrupts is written in two parts; it counts
// when it ends.
type tracer struct {
	dir string
	// open are the names of open files by their descriptors, begun the first parts of calls by thread.
	open  map[string]string
	begun map[string]string
	steps []step
}

func readTrace(t *testing.T, path, dir string) []step {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := &tracer{dir: dir, open: map[string]string{}, begun: map[string]string{}}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		r.line(lines.Text())
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return r.steps
}

func (r *tracer) line(line string) {
	thread, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimLeft(rest, " ")
	if first, ok := strings.CutSuffix(rest, " <unfinished ...>"); ok {
		r.begun[thread] = first
		return
	}
	if strings.HasPrefix(rest, "<... ") {
		_, second, _ := strings.Cut(rest, " resumed>")
		rest = r.begun[thread] + second
	}
	call, result, ok := cutLast(rest, " = ")
	name, arguments, isCall := strings.Cut(call, "(")
	if !ok || !isCall || strings.HasPrefix(result, "-1") {
		return
	}
	r.call(name, splitArguments(strings.TrimSuffix(strings.TrimRight(arguments, " "), ")")), result)
}

func cutLast(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}

// splitArguments is simple because strings are written in hexadecimal: no comma is within one.
func splitArguments(s string) []string { return strings.Split(s, ", ") }

func (r *tracer) call(name string, args []string, result string) {
	switch name {
	case "open":
		r.opened(r.name(text(args[0])), args[1], result)
	case "openat":
		r.opened(r.name(text(args[1])), args[2], result)
	case "close":
		delete(r.open, args[0])
	case "pwrite64":
		r.add(step{kind: writes, name: r.open[args[0]], text: text(args[1]), offset: number(args[3])})
	case "write":
		if args[0] == "1" {
			r.steps = append(r.steps, step{kind: confirms, text: strings.TrimSuffix(text(args[1]), "\n")})
		}
	case "fsync", "fdatasync":
		r.add(step{kind: syncs, name: r.open[args[0]]})
	case "ftruncate":
		r.add(step{kind: truncates, name: r.open[args[0]], offset: number(args[1])})
	case "unlink", "unlinkat":
		for _, arg := range args {
			r.add(step{kind: removes, name: r.name(text(arg))})
		}
	case "rename", "renameat": // a process that is measured for coverage renames files of its own at its end
		if slices.ContainsFunc(args, func(arg string) bool { return r.name(text(arg)) != "" }) {
			panic("the store renames files, which the test does not know")
		}
	default:
		panic("the store uses a system call that the test does not know: " + name)
	}
}

func (r *tracer) opened(name, flags, descriptor string) {
	if name == "" {
		return
	}
	r.open[descriptor] = name
	if strings.Contains(flags, "O_CREAT") {
		r.add(step{kind: creates, name: name})
	}
	if strings.Contains(flags, "O_TRUNC") {
		r.add(step{kind: truncates, name: name})
	}
}

// add keeps a step that is about the store's directory. The index of the log of writes (-shm) and the lock are not
// needed after a cut: the first is rebuilt, the second is empty.
func (r *tracer) add(s step) {
	if s.name != "" && !strings.HasSuffix(s.name, "-shm") && !strings.HasSuffix(s.name, ".lock") {
		r.steps = append(r.steps, s)
	}
}

// name is a path's name in the store's directory; empty for others.
func (r *tracer) name(path string) string {
	name, err := filepath.Rel(r.dir, path)
	if err != nil || strings.HasPrefix(name, "..") || strings.Contains(name, "/") {
		return ""
	}
	return name
}

// text reads a string that was written in hexadecimal.
func text(argument string) string {
	digits := strings.ReplaceAll(strings.Trim(argument, `"`), `\x`, "")
	decoded, err := hex.DecodeString(digits)
	if err != nil {
		return ""
	}
	return string(decoded)
}

var digits = regexp.MustCompile(`^\d+`)

func number(argument string) int64 {
	n, err := strconv.ParseInt(digits.FindString(argument), 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}
