package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// terminal is what a command reads from and writes to.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	colour   bool
}

func newTerminal(in io.Reader, out, err io.Writer) *terminal {
	// https://no-color.org: any value that is not empty.
	return &terminal{in: in, out: out, err: err, colour: isTerminal(out) && os.Getenv("NO_COLOR") == ""}
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// printf writes text for people.
func (t *terminal) printf(format string, args ...any) { fmt.Fprintf(t.out, format, args...) }

// output is the flag of commands that programs read.
type output struct {
	Output string `help:"Text for people or json for programs." enum:"text,json" default:"text" short:"o"`
}

// print writes value as JSON, or calls text.
func (o output) print(t *terminal, value any, text func()) error {
	if o.Output == "text" {
		text()
		return nil
	}
	encoder := json.NewEncoder(t.out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// style is how a word is shown on a terminal with colours: the number of an ANSI SGR sequence.
type style int

const (
	plain  style = 0
	bold   style = 1
	dim    style = 2
	red    style = 31
	green  style = 32
	yellow style = 33
)

func (t *terminal) paint(s style, text string) string {
	if !t.colour || s == plain {
		return text
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", s, text)
}

// cell is a word of a table.
type cell struct {
	text  string
	style style
}

// table writes rows with aligned columns; the first row is the heading.
func (t *terminal) table(rows [][]cell) {
	widths := columnWidths(rows)
	for _, row := range rows {
		var line strings.Builder
		for i, c := range row {
			line.WriteString(t.paint(c.style, c.text) + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)+2))
		}
		fmt.Fprintln(t.out, strings.TrimRight(line.String(), " "))
	}
}

func columnWidths(rows [][]cell) []int {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	return widths
}

func heading(names ...string) []cell {
	row := make([]cell, len(names))
	for i, name := range names {
		row[i] = cell{name, bold}
	}
	return row
}

// clean makes text from outside harmless for a terminal: what is not printable (control characters, escape sequences,
// marks that change the direction of writing) is shown as Go would write it, but for the runes in keep.
func clean(text, keep string) string {
	var safe strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&safe, `\x%02x`, text[i])
		case unicode.IsPrint(r) || strings.ContainsRune(keep, r):
			safe.WriteRune(r)
		default:
			safe.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
		i += size
	}
	return safe.String()
}

// keepLines lets clean keep the shape of text that has lines.
const keepLines = "\n\t"
