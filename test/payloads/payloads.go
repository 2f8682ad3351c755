// Package payloads holds requests as webhook providers send them, for tests that want real input.
//
// It knows nothing of what a receiver makes of them: a payload is a method, a path, headers and the exact bytes of a
// body. The README says how they were made.
package payloads

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed requests/*.http
var files embed.FS

// Key is what the requests are signed with, wherever a provider signs with a shared secret. It opens nothing.
const Key = "not-a-secret-made-for-tests"

// Payload is one request of a provider. It must not be changed.
type Payload struct {
	// Name is the file's: "github-push". What stands before the first dash is the provider.
	Name string
	// Method and Path are those of the request; the path is /webhook/<provider>.
	Method, Path string
	Header       http.Header
	// Body is the request's body, byte for byte.
	Body []byte
}

// Provider is who sends such requests, in one lower-case word.
func (p Payload) Provider() string {
	provider, _, _ := strings.Cut(p.Name, "-")
	return provider
}

// JSON says that the provider declares the body as JSON.
func (p Payload) JSON() bool {
	return strings.HasPrefix(p.Header.Get("Content-Type"), "application/json")
}

// Request makes the request for a server at base ("http://127.0.0.1:8000"), to be sent to path.
func (p Payload) Request(ctx context.Context, base, path string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, p.Method, base+path, bytes.NewReader(p.Body))
	if err != nil {
		return nil, err
	}
	request.Header = p.Header.Clone()
	return request, nil
}

// All gives every payload, by name.
func All() ([]Payload, error) {
	names, err := fs.Glob(files, "requests/*.http")
	if err != nil {
		return nil, err
	}
	all := make([]Payload, len(names))
	for i, name := range names {
		if all[i], err = read(name); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	return all, nil
}

func read(name string) (Payload, error) {
	raw, err := files.ReadFile(name)
	if err != nil {
		return Payload{}, err
	}
	head, body, found := bytes.Cut(raw, []byte("\r\n\r\n"))
	if !found {
		return Payload{}, fmt.Errorf("no empty line after the header")
	}
	request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		return Payload{}, err
	}
	if request.ContentLength != int64(len(body)) {
		return Payload{}, fmt.Errorf("the body has %d bytes, Content-Length says %d (header: %d bytes)",
			len(body), request.ContentLength, len(head))
	}
	header := request.Header.Clone()
	header.Del("Content-Length")
	short := strings.TrimSuffix(strings.TrimPrefix(name, "requests/"), ".http")
	return Payload{Name: short, Method: request.Method, Path: request.URL.Path, Header: header, Body: body}, nil
}
