package savetodisk

import (
	"errors"
	"fmt"
	"mime"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
)

var (
	placeholder = regexp.MustCompile(`\{[^{}]*\}`)
	unsafeChars = regexp.MustCompile(`[^A-Za-z0-9._-]`)
)

// pattern makes the names of files, relative to base_dir and with slashes.
type pattern struct {
	dir, text, format string
}

func validatePattern(text string) error {
	if !strings.Contains(text, "{id}") {
		return errors.New("filename_pattern: must contain {id}, or events would overwrite each other")
	}
	for _, name := range placeholder.FindAllString(text, -1) {
		if _, known := values(&event.Event{}, formatRaw)[name]; !known {
			return fmt.Errorf("filename_pattern: unknown placeholder %s: want {id}, {webhook}, {date}, {timestamp} or {ext}", name)
		}
	}
	rest := placeholder.ReplaceAllString(text, "x")
	switch {
	case strings.ContainsAny(rest, "{}\x00\\"):
		return errors.New(`filename_pattern: must not contain {, }, \ or NUL beside the placeholders`)
	case !filepath.IsLocal(rest) || path.Clean(rest) != rest || strings.HasSuffix(rest, "/"):
		return errors.New(`filename_pattern: want a relative name without "." and ".." in it`)
	}
	return nil
}

// expand names the file of an event. It uses only what stays the same from attempt to attempt.
func (p pattern) expand(e *event.Event) string {
	known := values(e, p.format)
	return path.Join(p.dir, placeholder.ReplaceAllStringFunc(p.text, func(name string) string { return known[name] }))
}

func values(e *event.Event, format string) map[string]string {
	at := e.ReceivedAt.UTC()
	return map[string]string{
		"{id}":        safe(e.ID),
		"{webhook}":   safe(e.Webhook),
		"{date}":      at.Format(time.DateOnly),
		"{timestamp}": at.Format("20060102T150405.000Z"),
		"{ext}":       extension(e, format),
	}
}

// safe makes a part of a file name of a text: the / of a namespaced webhook becomes a dot, which no id of a webhook has,
// and anything unusual an underscore. Neither a separator nor a leading dot is left.
func safe(text string) string {
	text = unsafeChars.ReplaceAllString(strings.ReplaceAll(text, "/", "."), "_")
	if strings.HasPrefix(text, ".") {
		return "_" + text[1:]
	}
	return text
}

func extension(e *event.Event, format string) string {
	if format == formatJSON {
		return "json"
	}
	kind, _, _ := mime.ParseMediaType(e.ContentType())
	switch {
	case kind == "application/json", strings.HasSuffix(kind, "+json"):
		return "json"
	case kind == "application/xml", kind == "text/xml", strings.HasSuffix(kind, "+xml"):
		return "xml"
	case strings.HasPrefix(kind, "text/"), kind == "application/x-www-form-urlencoded":
		return "txt"
	default:
		return "bin"
	}
}
