// Reads an exposition from stdin with Prometheus' own Go parsers and prints what it found as JSON.
//
// Usage: go-parsers textparse|expfmt CONTENT-TYPE. textparse is the scraper's parser (OpenMetrics 2.0 included), expfmt the one of
// client libraries (text and protobuf). What the parser refuses ends with its message and exit code 1.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"strconv"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// Numbers are strings, as JSON has no NaN and no infinities.
type exemplarOut struct {
	Labels map[string]string `json:"labels"`
	Value  string            `json:"value"`
	Ms     int64             `json:"ms"`
}

type histogramOut struct {
	Count         string  `json:"count"`
	Sum           string  `json:"sum"`
	Schema        int32   `json:"schema"`
	ZeroThreshold string  `json:"zeroThreshold"`
	ZeroCount     string  `json:"zeroCount"`
	Positive      [][]any `json:"positive"`
	Negative      [][]any `json:"negative"`
}

type sampleOut struct {
	Name      string            `json:"name"`
	Labels    map[string]string `json:"labels"`
	Value     string            `json:"value"`
	StartMs   int64             `json:"startMs"`
	Histogram *histogramOut     `json:"histogram,omitempty"`
	Exemplars []exemplarOut     `json:"exemplars,omitempty"`
}

type familyOut struct {
	Type string `json:"type,omitempty"`
	Help string `json:"help,omitempty"`
	Unit string `json:"unit,omitempty"`
}

type output struct {
	Families map[string]*familyOut `json:"families"`
	Samples  []sampleOut           `json:"samples"`
}

func number(value float64) string {
	switch {
	case math.IsNaN(value):
		return "NaN"
	case math.IsInf(value, 1):
		return "Infinity"
	case math.IsInf(value, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(value, 'g', -1, 64)
}

func (out *output) family(name string) *familyOut {
	if out.Families[name] == nil {
		out.Families[name] = &familyOut{}
	}
	return out.Families[name]
}

func main() {
	if len(os.Args) != 3 {
		fail(errors.New("usage: go-parsers textparse|expfmt CONTENT-TYPE"))
	}
	body, err := io.ReadAll(os.Stdin)
	if err != nil {
		fail(err)
	}
	out := output{Families: map[string]*familyOut{}, Samples: []sampleOut{}}
	if os.Args[1] == "expfmt" {
		err = withExpfmt(body, os.Args[2], &out)
	} else {
		err = withTextparse(body, os.Args[2], &out)
	}
	if err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func withTextparse(body []byte, contentType string, out *output) error {
	options := textparse.ParserOptions{EnableOpenMetrics2: true, KeepClassicOnClassicAndNativeHistograms: true}
	parser, err := textparse.New(body, contentType, labels.NewSymbolTable(), options)
	if err != nil {
		return err
	}
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch entry {
		case textparse.EntryType:
			name, kind := parser.Type()
			out.family(string(name)).Type = string(kind)
		case textparse.EntryHelp:
			name, help := parser.Help()
			out.family(string(name)).Help = string(help)
		case textparse.EntryUnit:
			name, unit := parser.Unit()
			out.family(string(name)).Unit = string(unit)
		case textparse.EntrySeries, textparse.EntryHistogram:
			sample := sampleOut{}
			if entry == textparse.EntrySeries {
				_, _, value := parser.Series()
				sample.Value = number(value)
			} else {
				_, _, integer, float := parser.Histogram()
				if integer != nil {
					if err := integer.Validate(); err != nil {
						return err
					}
					float = integer.ToFloat(nil)
				} else if err := float.Validate(); err != nil {
					return err
				}
				found := &histogramOut{
					Count: number(float.Count), Sum: number(float.Sum), Schema: float.Schema,
					ZeroThreshold: number(float.ZeroThreshold), ZeroCount: number(float.ZeroCount), Positive: [][]any{}, Negative: [][]any{},
				}
				for buckets := float.PositiveBucketIterator(); buckets.Next(); {
					bucket := buckets.At()
					found.Positive = append(found.Positive, []any{bucket.Index, number(bucket.Count)})
				}
				for buckets := float.NegativeBucketIterator(); buckets.Next(); {
					bucket := buckets.At()
					found.Negative = append(found.Negative, []any{bucket.Index, number(bucket.Count)})
				}
				sample.Histogram = found
			}
			var set labels.Labels
			parser.Labels(&set)
			sample.Labels = map[string]string{}
			set.Range(func(label labels.Label) {
				if label.Name == model.MetricNameLabel {
					sample.Name = label.Value
				} else {
					sample.Labels[label.Name] = label.Value
				}
			})
			sample.StartMs = parser.StartTimestamp()
			for found := (exemplar.Exemplar{}); parser.Exemplar(&found); found = (exemplar.Exemplar{}) {
				sample.Exemplars = append(sample.Exemplars, exemplarOut{found.Labels.Map(), number(found.Value), found.Ts})
			}
			out.Samples = append(out.Samples, sample)
		}
	}
}

func withExpfmt(body []byte, contentType string, out *output) error {
	format := expfmt.ResponseFormat(http.Header{"Content-Type": {contentType}})
	decoder := expfmt.NewDecoder(bytes.NewReader(body), format)
	for {
		var family dto.MetricFamily
		err := decoder.Decode(&family)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		described := out.family(family.GetName())
		if described.Type != "" {
			return fmt.Errorf("family %q comes twice", family.GetName())
		}
		described.Type, described.Help, described.Unit = family.GetType().String(), family.GetHelp(), family.GetUnit()
		for _, metric := range family.GetMetric() {
			sample := sampleOut{Name: family.GetName(), Labels: map[string]string{}}
			for _, pair := range metric.GetLabel() {
				if _, twice := sample.Labels[pair.GetName()]; twice {
					return fmt.Errorf("label %q comes twice", pair.GetName())
				}
				sample.Labels[pair.GetName()] = pair.GetValue()
			}
			switch family.GetType() {
			case dto.MetricType_COUNTER:
				sample.Value = number(metric.GetCounter().GetValue())
				sample.StartMs = metric.GetCounter().GetCreatedTimestamp().AsTime().UnixMilli()
			case dto.MetricType_GAUGE:
				sample.Value = number(metric.GetGauge().GetValue())
			case dto.MetricType_UNTYPED:
				sample.Value = number(metric.GetUntyped().GetValue())
			case dto.MetricType_SUMMARY:
				sample.Value = number(float64(metric.GetSummary().GetSampleCount()))
			case dto.MetricType_HISTOGRAM:
				sample.Value = number(float64(metric.GetHistogram().GetSampleCount()))
			}
			out.Samples = append(out.Samples, sample)
		}
	}
}
