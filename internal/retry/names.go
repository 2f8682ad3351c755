package retry

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/grapnel-dev/grapnel/internal/fault"
)

// Check finds the names in the lists that can never match. codes are those that the destination's module gives.
func (p Policy) Check(codes []string) error {
	return errors.Join(
		checkNames("retryable_errors", p.RetryableErrors, codes),
		checkNames("non_retryable_errors", p.NonRetryableErrors, codes),
	)
}

func checkNames(key string, patterns []fault.Pattern, codes []string) error {
	var errs []error
	for _, pattern := range patterns {
		if !pattern.Known(codes) {
			nearest := nearest(pattern.String(), slices.Concat(fault.Names(), codes))
			errs = append(errs, fmt.Errorf("%s: unknown error name %q, did you mean %q?", key, pattern, nearest))
		}
	}
	return errors.Join(errs...)
}

// nearest is the name that takes the fewest edits to write.
func nearest(name string, names []string) string {
	return slices.MinFunc(names, func(a, b string) int { return distance(name, a) - distance(name, b) })
}

// distance counts the insertions, deletions and substitutions between two names (Levenshtein), blind to case.
func distance(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitution := diagonal
			if a[i] != b[j] {
				substitution++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitution, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
