package api

import (
	"net/http"
	"strings"
)

// ProblemType is the content type of errors.
const ProblemType = "application/problem+json"

// Problem says what went wrong, in the form of RFC 9457. The client returns it as an error.
type Problem struct { //nolint:errname // the standard's name
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Errors lists the single errors when there are several, as of a configuration.
	Errors []string `json:"errors,omitempty"`
}

// NewProblem makes a problem that its status and the detail tell all of (type about:blank, RFC 9457, 4.2.1).
func NewProblem(status int, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// Error is the sentence for people.
func (p *Problem) Error() string {
	text := p.Title
	if p.Detail != "" {
		text = p.Detail
	}
	if len(p.Errors) > 0 {
		text += ":\n  " + strings.Join(p.Errors, "\n  ")
	}
	return text
}
