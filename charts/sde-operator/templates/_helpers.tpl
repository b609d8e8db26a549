{{- define "sde.selector" -}}
app.kubernetes.io/name: sde-operator
app.kubernetes.io/component: {{ . }}
{{- end }}

{{- define "sde.labels" -}}
app.kubernetes.io/name: sde-operator
app.kubernetes.io/part-of: sde-operator
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "sde.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "sde.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Pod fields that each Deployment takes from its part of the values. */}}
{{- define "sde.scheduling" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Where the API server is, for pods that cannot use its Service address. */}}
{{- define "sde.apiServerEnv" -}}
{{- with .Values.controller.apiServer }}
{{- if .host -}}
- name: KUBERNETES_SERVICE_HOST
  value: {{ .host | quote }}
- name: KUBERNETES_SERVICE_PORT
  value: {{ .port | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* Egress to the API server. It is no pod (or one on the host's network): no selector can name it, only its addresses can. */}}
{{- define "sde.apiServerEgress" -}}
- to:
  {{- range .Values.networkPolicy.apiServerCidrs }}
  - ipBlock: {cidr: {{ . | quote }}}
  {{- end }}
  ports:
  {{- $ports := .Values.networkPolicy.apiServerPorts }}
  {{- with .Values.controller.apiServer.port }}{{ $ports = append $ports . }}{{ end }}
  {{- range $ports | uniq }}
  - {protocol: TCP, port: {{ . }}}
  {{- end }}
{{- end }}

{{/* Ingress of what people's browsers reach: the pages from whom the part's values name, metrics from whom networkPolicy names. */}}
{{- define "sde.pagesIngress" -}}
{{- with .own.ingressFrom }}
- from: {{- toYaml . | nindent 2 }}
  ports:
  - {protocol: TCP, port: 8443}
{{- end }}
{{- with .root.Values.networkPolicy.metricsFrom }}
- from: {{- toYaml . | nindent 2 }}
  ports:
  - {protocol: TCP, port: 8080}
{{- end }}
{{- end }}
