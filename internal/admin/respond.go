package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// reporting bounds the request's body and turns the handler's error into an answer.
func (s *Server) reporting(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		err := h(w, r)
		if err == nil {
			return
		}
		problem := problemOf(err)
		if problem.Status == http.StatusInternalServerError && r.Context().Err() == nil {
			s.Logger.Error("admin request failed", "path", r.URL.Path, "error", err)
		}
		writeProblem(w, problem)
	})
}

// decode reads a JSON body strictly: a misspelt key must not select more than was meant.
func decode[B any](r *http.Request) (body B, err error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return body, api.NewProblem(http.StatusUnsupportedMediaType, "want Content-Type: application/json")
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		return body, undecodable(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return body, undecodable(errors.New("want one JSON object and nothing after it"))
	}
	return body, nil
}

func undecodable(err error) *api.Problem {
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return api.NewProblem(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", maxBody))
	}
	return badRequest(fmt.Errorf("body: %w", err))
}

// problemOf tells which answer an error is. What nobody foresaw is in the log, not in the answer.
func problemOf(err error) *api.Problem {
	if problem, ok := errors.AsType[*api.Problem](err); ok {
		return problem
	}
	for _, known := range []struct {
		is     error
		status int
	}{
		{store.ErrNotFound, http.StatusNotFound},
		{store.ErrCursor, http.StatusBadRequest},
		{store.ErrState, http.StatusConflict},
		{store.ErrUnavailable, http.StatusServiceUnavailable},
		{context.Canceled, http.StatusServiceUnavailable}, // by our own stop: a client that is gone reads no answer
	} {
		if errors.Is(err, known.is) {
			return api.NewProblem(known.status, err.Error())
		}
	}
	return api.NewProblem(http.StatusInternalServerError, "something unexpected went wrong: the gateway's log says what")
}

func badRequest(err error) *api.Problem { return api.NewProblem(http.StatusBadRequest, err.Error()) }

// refusedConfig lists what is wrong with a configuration that could not be loaded, a line each.
func refusedConfig(err error) *api.Problem {
	problem := api.NewProblem(http.StatusUnprocessableEntity, "the configuration was not reloaded, the running one stays")
	problem.Errors = strings.Split(err.Error(), "\n")
	return problem
}

func writeJSON(w http.ResponseWriter, status int, answer any) error {
	content, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(content, '\n')) // a client that is gone needs no answer
	return nil
}

func writeProblem(w http.ResponseWriter, p *api.Problem) {
	content, err := json.Marshal(p)
	if err != nil { // not possible: a problem is text and a number
		content = nil
	}
	w.Header().Set("Content-Type", api.ProblemType)
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(content, '\n'))
}
