/**
 * The gateway's explanations in Korean, by code: what it is, and what is usually done. In English its own sentences stand,
 * so this is loaded only where it is read.
 *
 * @type {Record<string, [string, string]>}
 */
export const explanations = {
  "out-of-sync": [
    "실행 중인 리소스가 Git의 내용과 다릅니다.",
    "차이를 확인하세요. Git이 맞으면 동기화하고, 클러스터가 맞으면 Git에 반영하세요.",
  ],
  "comparison-error": [
    "Argo CD가 무엇이 실행되어야 하는지 계산하지 못했습니다. 동기화 상태를 믿을 수 없습니다.",
    "매니페스트나 저장소 접근 권한을 고친 뒤 새로 고침하세요.",
  ],
  "degraded": [
    "일부 리소스의 상태가 좋지 않습니다.",
    "표시된 리소스와 직전 배포를 확인하세요.",
  ],
  "operation-failed": [
    "마지막 동기화가 실패했습니다.",
    "먼저 실패한 리소스를 확인하고 Git에서 고친 뒤 다시 동기화하세요.",
  ],
  "sync-error": [
    "Argo CD가 자동으로 동기화하지 못했습니다.",
    "동기화 메시지를 확인해 원인을 고친 뒤 직접 동기화하세요. 같은 리비전은 자동으로 다시 시도되지 않습니다.",
  ],
  "missing": [
    "Git에 있는 리소스가 클러스터에 없습니다.",
    "동기화하거나, 누가 삭제했는지 확인하세요.",
  ],
  "unknown-health": [
    "Argo CD가 상태를 알 수 없습니다.",
    "대개 클러스터에 연결할 수 없거나 비교에 실패한 경우입니다. 조건을 확인하세요.",
  ],
  "progressing": [
    "오랫동안 진행 중입니다.",
    "준비되지 않은 파드를 확인하세요. 이미지를 가져오지 못하거나, 프로브가 실패하거나, 자원이 부족할 수 있습니다.",
  ],
  "suspended": [
    "일부 리소스가 일시 중지되었습니다.",
    "롤아웃 단계처럼 누군가 또는 무언가가 멈춘 상태입니다. 승격하거나 재개하세요.",
  ],
  "invalid-spec-error": [
    "애플리케이션 정의가 올바르지 않습니다.",
    "소스, 대상, 프로젝트를 고치세요. 프로젝트가 허용하지 않을 수도 있습니다.",
  ],
  "deletion-error": [
    "삭제할 수 없습니다.",
    "대개 파이널라이저 때문이거나 클러스터에 연결할 수 없는 경우입니다.",
  ],
  "orphaned-resource-warning": [
    "네임스페이스에 어떤 애플리케이션도 관리하지 않는 리소스가 있습니다.",
    "관리 대상에 넣거나, 삭제하거나, 프로젝트에서 무시하도록 설정하세요.",
  ],
  "shared-resource-warning": [
    "다른 애플리케이션이 같은 리소스를 관리합니다.",
    "둘 중 하나에서 그 리소스를 빼세요.",
  ],
  "repeated-resource-warning": [
    "소스에 같은 리소스가 두 번 있습니다.",
    "두 정의 중 하나를 지우세요.",
  ],
  "excluded-resource-warning": [
    "Argo CD가 제외하도록 설정된 리소스가 소스에 있습니다.",
    "소스나 제외 설정에서 지우세요.",
  ],
  "deleting": [
    "삭제 중입니다.",
    "오래 걸리면 파이널라이저가 리소스를 기다리는 중입니다.",
  ],
};
