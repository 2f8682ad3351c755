package main

import (
	"encoding/json"
	"maps"
	"os"
	"testing"
)

func TestTheDocCommentsAreInStep(t *testing.T) {
	want, err := collect("../..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../config/docs.json")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(got, want) {
		t.Error("internal/config/docs.json is out of step with the doc comments: run make generate")
	}
}
