package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"unicode/utf8"
)

// What a document may be at most. A configuration of ten thousand webhooks stays far below.
const (
	maxBytes = 4 << 20
	maxDepth = 64
	maxNodes = 1 << 20 // with aliases counted wherever they are used
)

// Read reads a file: JSON when its name ends in .json, else YAML. Its error is Problems.
func Read(file string) (*Node, error) {
	content, err := readBounded(file)
	if err != nil {
		return nil, Problems{{Place: Place{File: file}, Message: "cannot be read: " + err.Error()}}
	}
	return Parse(file, content)
}

func readBounded(file string) ([]byte, error) {
	f, err := os.Open(file) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, withoutPath(err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	return content, withoutPath(err)
}

// withoutPath keeps the file's name from standing in a message twice.
func withoutPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// Parse reads the content of a file: JSON when its name ends in .json, else YAML. Its error is Problems. An empty
// document is an error: it is more likely a file that was not written yet than a configuration.
func Parse(file string, content []byte) (*Node, error) {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	if message := unreadable(content); message != "" {
		return nil, Problems{{Place: Place{File: file}, Message: message}}
	}
	var root *Node
	var problems Problems
	if filepath.Ext(file) == ".json" {
		root, problems = parseJSON(file, content)
	} else {
		root, problems = parseYAML(file, content)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return root, nil
}

func unreadable(content []byte) string {
	switch {
	case len(content) > maxBytes:
		return fmt.Sprintf("is larger than %d MiB: want a configuration", maxBytes>>20)
	case len(bytes.TrimSpace(content)) == 0:
		return "is empty: want a configuration"
	case !utf8.Valid(content):
		return "is not UTF-8 text: save it as UTF-8"
	case bytes.IndexByte(content, 0) >= 0:
		return "has NUL bytes in it: want a text file"
	default:
		return ""
	}
}
