// Made of the gateway's contract by `python -m tests.client.declarations`; not to be changed by hand.

/** How the line to the gateway is; times are this machine's, in milliseconds. */
export interface Link {
  /**
   * `opening`: no word yet. `open`: the stream is alive. `lost`: it is being opened again. `refused`: the gateway, or
   * what is before it, says no; tried again slowly. `resting`: closed while nobody looks.
   */
  readonly phase: "opening" | "open" | "lost" | "refused" | "resting";
  /** When the phase began. */
  readonly since: number;
  /** When the gateway last said anything; 0 if never. */
  readonly heardAt: number;
  /** Why the gateway ended the last stream: `lifetime`, `drain`, `overloaded`, …; empty if it didn't say. */
  readonly goodbye: string;
  /** With `refused`: the HTTP status. 401 also where a login page answers. */
  readonly status?: number;
}

/**
 * How true is what is held. `live`, `stale`, `down`: what the gateway says of its line to Argo CD. `connecting`: not heard
 * yet, or the gateway has no state yet. `disconnected`: no stream for more than eight seconds. `refused`: see `link.status`.
 */
export type Standing = "live" | "stale" | "down" | "connecting" | "disconnected" | "refused";

/** What both kinds of connection know; frozen. Another object whenever something changed, the same while nothing did. */
export interface Held {
  /** Whether a first state has come. */
  readonly known: boolean;
  /** The gateway's line to Argo CD, as last heard. */
  readonly upstream: Upstream | undefined;
  readonly link: Link;
  /** Where the stream continues; opaque. */
  readonly cursor: string;
  /** The gateway's clock minus this machine's, in milliseconds. */
  readonly ahead: number;
  readonly standing: Standing;
}

export interface State extends Held {
  /** By key. A document is frozen, and another object only if something in it changed; likewise each of its fields. */
  readonly applications: ReadonlyMap<string, Application>;
}

export interface DetailState extends Held {
  /** Null while nothing is known, and when the application is gone. */
  readonly detail: Detail | null;
}

/** What became of one application within a batch: no `before` where it came, no `after` where it went. */
export interface Change {
  readonly key: string;
  readonly before: Application | undefined;
  readonly after: Application | undefined;
}

export interface Told {
  /** Whether it may have happened while there was no connection. */
  readonly away: boolean;
}

export interface Options {
  /** The stream, with its parameters. By default `api/stream/pipelines`, relative to the page's base. */
  url?: string | URL;
  /** One stream for all tabs of the browser that ask for the same URL. Default: true. */
  shared?: boolean;
  /** Milliseconds for which all tabs must be hidden before the stream is closed. Default: 300,000; Infinity: never. */
  hiddenAfter?: number;
  /** Whether cookies go to another origin. Default: false. */
  withCredentials?: boolean;
}

export interface ListOptions extends Options {
  /** A state to continue from, such as a server rendered: an answer of `/api/pipelines` with its `Gateway-Cursor`. */
  from?: { cursor: string; applications: Iterable<Application>; upstream?: Upstream };
}

export interface DetailOptions extends Options {
  /** A detail to continue from. */
  from?: { cursor: string; detail: Detail; upstream?: Upstream };
}

export interface Following<S, C> {
  readonly state: S;
  /** Called at most once for each animation frame. Returns how to hear no more. */
  subscribe(listener: (state: S, changes: readonly C[], told: Told) => void): () => void;
  /** Try again now, if there is a wait; not before the gateway's own wait is over. */
  retry(): void;
  /** End it for good. */
  close(): void;
}

export type Connection = Following<State, Change>;

/** Its changes are the names of the fields that changed. */
export type DetailConnection = Following<DetailState, string>;

/** Follow the applications. Where there is no EventSource (a server that renders) it holds `from`, and opens nothing. */
export function connect(options?: ListOptions): Connection;

/** Follow one application in detail, by its key. The parameters of the URL are for lists, and left out. */
export function connectDetail(key: string, options?: DetailOptions): DetailConnection;

/** The rule of snapshots and deltas, pure: for clients with a connection of their own. */
export class Fold {
  /** As of the last event; this map changes in place, its documents never do. */
  applications: Map<string, Application>;
  known: boolean;
  /** Take an event; return what it changed. The first snapshot changes nothing. Throws TypeError for what no gateway sends. */
  take(name: "snapshot", data: Snapshot): Change[];
  take(name: "delta", data: Delta): Change[];
  take(name: string, data: unknown): Change[];
}

/** The same for one application in detail. */
export class DetailFold {
  detail: Detail | null;
  known: boolean;
  take(name: string, data: unknown): string[];
}

/** The status document of one Argo CD Application. What is absent is an absent field, never null. Times are RFC 3339 in UTC. Words of Argo CD pass through as they are: one that isn't listed here has to be expected. Further fields may come; none ever goes. */
export interface Application {
  /** Identifies the application in the stream. Opaque; it never changes. */
  readonly key: string;
  /** The application's name. It need not be unique: several namespaces may have it. */
  readonly name: string;
  /** The namespace of the Application resource, not the one that it deploys to. */
  readonly namespace: string;
  /** The Argo CD project. Absent while it isn't known. */
  readonly project?: string;
  /** The service that the application is an instance of, by the gateway's rules. Absent where no rule knows it. */
  readonly service?: string;
  /** The environment that it runs in, such as dev or prod, by the gateway's rules. Absent where no rule knows it. */
  readonly environment?: string;
  /** The team that owns it, by the gateway's rules. Absent where no rule knows it. */
  readonly team?: string;
  /** The labels of the Application resource. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly owner?: Owner;
  readonly destination?: Destination;
  /** Where manifests come from. Applications of one source and of several look alike. */
  readonly sources?: ReadonlyArray<Source>;
  readonly autoSync?: AutoSync;
  readonly sync?: Sync;
  readonly health?: Health;
  readonly operation?: Operation;
  /** The container images in use, as Argo CD lists them. */
  readonly images?: ReadonlyArray<string>;
  /** Where the application is found by people: the external URLs that Argo CD found. */
  readonly urls?: ReadonlyArray<string>;
  /** What Argo CD found wrong or remarkable. */
  readonly conditions?: ReadonlyArray<Condition>;
  /** When the Application resource was created. */
  readonly createdAt?: string;
  /** When its deletion was asked for. Present only while it is being deleted. */
  readonly deletionTimestamp?: string;
}

/** The data of a `breach` event: a deployment of an application that one sees has missed a target. It has no id, is told once to those who are connected, and changes nothing of the state. */
export interface Breach {
  /** The application's key. */
  readonly application: string;
  /** The name of the SLO, as `/api/kpis` lists them: `build`, `pipeline`, `lead` and `sync` are times, `deployments` is success. */
  readonly slo: string;
  /** How many seconds it may take; absent for success. */
  readonly target?: number;
  /** How many seconds it took; absent for success. */
  readonly actual?: number;
  /** The deployment's id, as timelines have it. */
  readonly deployment: string;
  /** When the deployment's operation finished; when it began, while it runs. */
  readonly at: string;
}

/** The data of a `delta` event: what changed. For each key of `changed` assign its fields, whole: null removes a field, an unknown key begins empty. Then drop the keys in `removed`. No key is in both. */
export interface Delta {
  /** Only in the first event of a stream that continues from a cursor: `resumed`. Such a delta is empty where nothing changed meanwhile. */
  readonly reason?: "resumed" | (string & {});
  /** By key, the fields that changed. An application that comes into view comes whole. */
  readonly changed: Readonly<Record<string, DeltaFields>>;
  /** The keys of applications that are gone, or no longer what was asked for. */
  readonly removed: ReadonlyArray<string>;
}

/** One application in detail: the status document with its messages whole, its history, and what Argo CD tells of it when asked. A field is the unit of change. Further fields may come; none ever goes. */
export interface Detail {
  readonly key: string;
  readonly name: string;
  readonly namespace: string;
  readonly project?: string;
  readonly service?: string;
  readonly environment?: string;
  readonly team?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly owner?: Owner;
  readonly destination?: Destination;
  readonly sources?: ReadonlyArray<Source>;
  readonly autoSync?: AutoSync;
  readonly sync?: Sync;
  readonly health?: Health;
  readonly operation?: Operation;
  readonly images?: ReadonlyArray<string>;
  readonly urls?: ReadonlyArray<string>;
  readonly conditions?: ReadonlyArray<Condition>;
  readonly createdAt?: string;
  readonly deletionTimestamp?: string;
  /** Argo CD's own history: full, successful syncs, the oldest first. */
  readonly history: ReadonlyArray<Deployment>;
  /** By SHA, who wrote the revisions of `sync`, `operation` and `history`, and what for. Absent until something is known; versions of charts aren't in it. */
  readonly revisions?: Readonly<Record<string, Commit>>;
  /** The resources that the application manages, and how each compares. Absent until known. */
  readonly resources?: ReadonlyArray<Resource>;
  readonly operationResult?: OperationResult;
  readonly tree?: Tree;
  /** The rollouts of Argo Rollouts among its resources: where each stands, and what was measured. Absent until one is known, and where there are none. */
  readonly rollouts?: ReadonlyArray<Rollout>;
  /** Its last deployments and rollbacks on their way from commit to Healthy, the newest first. Absent until they are read. */
  readonly timeline?: ReadonlyArray<TimelineChange>;
  /** Why the application isn't well, in a sentence each, the worst first. Empty where there is nothing to say. */
  readonly explanations: ReadonlyArray<Explanation>;
  readonly links: Links;
  readonly parts: Parts;
}

/** The data of a `goodbye` event: the last of a stream that the gateway ends. An EventSource comes back by itself. */
export interface Goodbye {
  /** `lifetime`: the stream was open for long enough. `drain`: this gateway goes down; another, or the next, will answer. `overloaded`: there is no room at the moment. `behind`: this replica hasn't reached what another one has sent already. `expired`: what the client showed to be let in has ended or was taken back; it needs to show something else. `unknown`: what was asked for before anything was known doesn't exist; coming back tells more. */
  readonly reason: "lifetime" | "drain" | "overloaded" | "behind" | "expired" | "unknown" | (string & {});
  /** How many milliseconds to wait before coming back; the same as the stream's `retry:` field. */
  readonly retryMs: number;
}

/** The data of a `heartbeat` event: the stream is alive, and how the gateway's line to Argo CD is. It comes behind the first state, after 15 s of silence, and at once when upstream's state changes. */
export interface Heartbeat {
  /** The gateway's time. */
  readonly at: string;
  readonly upstream: Upstream;
}

/** What went wrong and what to do about it: RFC 9457, as `application/problem+json`. */
export interface Problem {
  /** The kind of problem. Stable: programs should look at this. */
  readonly type: string;
  /** The name of the HTTP status. */
  readonly title: string;
  /** The HTTP status. */
  readonly status: number;
  /** What is wrong and what to do, for people. Not stable. */
  readonly detail: string;
  /** With `bad-parameters`: everything that is wrong with the query. */
  readonly problems?: ReadonlyArray<string>;
  /** With `ambiguous`: the keys of the applications that have the name. */
  readonly candidates?: ReadonlyArray<string>;
  /** With `unknown-schema`: the names of those that there are. */
  readonly schemas?: ReadonlyArray<string>;
  /** With `unauthenticated`: the path at which people log in, where they can. */
  readonly login?: string;
}

/** The data of a `snapshot` event: everything that the subscriber sees. It replaces whatever a client holds. */
export interface Snapshot {
  /** Why a snapshot came: `new`, no cursor was sent; `epoch`, the cursor is from before a restart of the gateway (or isn't one of its own); `view`, it was given for other parameters, or for other rights than are granted now; `trimmed`, it is older than what the gateway remembers; `lagged`, within a stream: the client was too far behind for a delta. */
  readonly reason: "new" | "epoch" | "view" | "trimmed" | "lagged" | (string & {});
  /** The place in the gateway's log that the snapshot shows. Opaque; equal positions are equal states. */
  readonly position: string;
  /** Each application that the subscriber sees, once, in no particular order. */
  readonly applications: ReadonlyArray<Application>;
}

/** How the gateway and its upstream are, for people and for alerts. Counts are since its start. */
export interface Status {
  /** The gateway's version. */
  readonly version: string;
  /** When it started. */
  readonly startedAt: string;
  /** The epoch of its log; another one means that every subscriber got a snapshot. */
  readonly epoch: string;
  /** The last position of its log. */
  readonly position: string;
  /** How many applications it knows that whoever asks may see. */
  readonly applications: number;
  /** Its line to Argo CD. */
  readonly upstream: {
    readonly state: "connecting" | "live" | "stale" | "down";
    readonly since: string;
    readonly reason?: "starting" | "refused" | "permission-lost" | "too-large" | "unreachable" | "answered-badly" | "unhealthy" | "ended" | "silent" | (string & {});
    readonly verifiedAt?: string;
    /** Argo CD's version. Absent until it is known. */
    readonly version?: string;
    /** The last failure upstream, however long ago. For those with the right `admin` alone. */
    readonly lastError?: {
      /** When. */
      readonly at: string;
      /** Its kind. */
      readonly kind: "refused" | "too-large" | "unreachable" | "answered-badly" | "unhealthy" | "ended" | "silent" | (string & {});
      /** What happened; never a secret. */
      readonly message: string;
    };
    /** How many full comparisons with Argo CD ended well. */
    readonly reconciles: number;
    /** What those comparisons found that Argo CD's stream had lost. */
    readonly repairs: {
      /** Changes. */
      readonly missedUpdate: number;
      /** Deletions. */
      readonly missedDelete: number;
    };
    /** How many times Argo CD went back to older versions, as after a restored backup. */
    readonly restores: number;
    /** Events that couldn't be read and were put aside. */
    readonly unreadable: {
      /** Not what Argo CD sends. */
      readonly undecodable: number;
      /** Longer than GATEWAY_MAX_LINE. */
      readonly oversized: number;
    };
    /** When the token for Argo CD expires. Absent where it says nothing of that. */
    readonly tokenExpiresAt?: string;
  };
  /** Who is subscribed. */
  readonly subscribers: {
    /** Open streams. */
    readonly open: number;
    /** Those that lag. */
    readonly behind: number;
    /** Different selections of applications. */
    readonly views: number;
    /** Applications whose detail is watched. */
    readonly details: number;
  };
  /** What this process is among several replicas; absent where it is alone. */
  readonly replica?: {
    /** `leader`, which watches Argo CD for all, or `follower`. */
    readonly role: string;
    /** `connected`, or `away`: what is held is served on. */
    readonly redis: string;
    /** The name of this replica. */
    readonly name?: string;
    /** The name of the one that leads, as far as this one knows. */
    readonly leader?: string;
  };
  /** How access is configured: `loopback`, this machine only; `none`, everybody who can reach it; by `tokens`, by the headers of a `proxy`, or by logins and tokens of an OpenID provider (`oidc`). */
  readonly access: "loopback" | "none" | "tokens" | "proxy" | "oidc" | (string & {});
  /** The delivery history. */
  readonly deliveries?: {
    /** The senders that are on. */
    readonly senders: ReadonlyArray<string>;
    /** Whether the history is kept in a database, by this gateway alone or `shared` with others, or in memory, where it ends with the process; `away`: it could not be reached since the start. */
    readonly database: "memory" | "kept" | "shared" | "away" | (string & {});
    /** Whether this gateway works the history off, or follows another that does. */
    readonly role?: "leads" | "follows" | (string & {});
    /** Deliveries that wait in memory to be processed. */
    readonly waiting: number;
  };
}

/** Changes on their way from a commit to Healthy, the newest first. */
export interface Timeline {
  /** The key of the application that was asked for. */
  readonly application?: string;
  /** The changes. */
  readonly changes: ReadonlyArray<TimelineChange>;
}

/** The controller that made the application. */
export interface Owner {
  /** Its kind, such as ApplicationSet. */
  readonly kind: string;
  /** Its name. */
  readonly name: string;
}

/** Where the application is deployed: a cluster, by the URL of its API server or by name, and a namespace. */
export interface Destination {
  /** The URL of the cluster's API server. */
  readonly server?: string;
  /** The name that Argo CD knows the cluster by. */
  readonly name?: string;
  /** The namespace in the cluster. */
  readonly namespace?: string;
}

/** Where manifests come from. */
export interface Source {
  /** The repository. */
  readonly repoURL: string;
  /** The folder in the repository. */
  readonly path?: string;
  /** The branch, tag, commit or version range that is followed. */
  readonly targetRevision?: string;
  /** The Helm chart, where the repository is one of charts. */
  readonly chart?: string;
  /** The name by which other sources refer to this one. */
  readonly ref?: string;
}

/** Automated sync. Absent where an operator must start each sync. */
export interface AutoSync {
  /** Whether resources that the sources no longer have are deleted. */
  readonly prune: boolean;
  /** Whether changes made in the cluster are undone. */
  readonly selfHeal: boolean;
}

/** How the cluster compares with the sources. */
export interface Sync {
  /** Argo CD's word for it. */
  readonly status?: "Synced" | "OutOfSync" | "Unknown" | (string & {});
  /** What the cluster was compared with. One revision for each source, in the order of `sources`. */
  readonly revisions?: ReadonlyArray<string>;
  /** When the gateway saw the status become what it is: its own observation, for Argo CD keeps none. */
  readonly since?: string;
  /** True where the status may be older than `since`: the gateway found it so when it first looked. */
  readonly atLeast?: boolean;
}

/** Argo CD's verdict on the application's resources. */
export interface Health {
  /** Argo CD's word for it. */
  readonly status: "Healthy" | "Suspended" | "Progressing" | "Missing" | "Degraded" | "Unknown" | (string & {});
  /** Why. Cut at 1,000 characters, with `…` behind; `GET /api/pipelines/{name}` has it whole. */
  readonly message?: string;
  /** Since when the status holds, as Argo CD says. */
  readonly since?: string;
}

/** Who asked for it. */
export interface InitiatedBy {
  /** The user. */
  readonly username?: string;
  /** True where automated sync did. */
  readonly automated?: boolean;
}

/** The current or the last operation. `phase` Running with `finishedAt` set means: that attempt failed, a retry is due. One that was asked for and hasn't begun is Running with the message `waiting to start`. */
export interface Operation {
  /** Argo CD's word for how it stands. */
  readonly phase: "Running" | "Terminating" | "Succeeded" | "Failed" | "Error" | (string & {});
  /** When it began. */
  readonly startedAt?: string;
  /** When it, or its last attempt, ended. */
  readonly finishedAt?: string;
  /** What is, or was, synced to. One revision for each source, in the order of `sources`. */
  readonly revisions?: ReadonlyArray<string>;
  readonly initiatedBy?: InitiatedBy;
  /** How many times it was tried again; absent where none. */
  readonly retryCount?: number;
  /** What Argo CD says of it. Cut at 1,000 characters, with `…` behind. */
  readonly message?: string;
}

/** Something that Argo CD found wrong or remarkable. */
export interface Condition {
  /** Its kind, such as ComparisonError. The end of the word (Error, Warning) is its severity. */
  readonly type: string;
  /** What it is about. Cut at 1,000 characters, with `…` behind. */
  readonly message?: string;
  /** Since when. */
  readonly since?: string;
}

/** Fields of an application with their new values, each whole; null for one that is absent now. */
export interface DeltaFields {
  readonly key?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly project?: string | null;
  readonly service?: string | null;
  readonly environment?: string | null;
  readonly team?: string | null;
  readonly labels?: Readonly<Record<string, string>> | null;
  readonly owner?: Owner | null;
  readonly destination?: Destination | null;
  readonly sources?: ReadonlyArray<Source> | null;
  readonly autoSync?: AutoSync | null;
  readonly sync?: Sync | null;
  readonly health?: Health | null;
  readonly operation?: Operation | null;
  readonly images?: ReadonlyArray<string> | null;
  readonly urls?: ReadonlyArray<string> | null;
  readonly conditions?: ReadonlyArray<Condition> | null;
  readonly createdAt?: string | null;
  readonly deletionTimestamp?: string | null;
}

/** Who wrote a revision, and what for. */
export interface Commit {
  /** Its author. */
  readonly author?: string;
  /** When it was written. */
  readonly date?: string;
  /** Its message, whole. */
  readonly message?: string;
  /** The tags that point at it. */
  readonly tags?: ReadonlyArray<string>;
  /** Its page, where the repository's host tells where that is. */
  readonly url?: string;
}

/** Argo CD's verdict on one resource. */
export interface DetailHealth {
  /** Argo CD's word for it, as for applications. */
  readonly status?: string;
  /** Why. */
  readonly message?: string;
}

/** A resource that the application manages. */
export interface Resource {
  /** Its API group; absent for the core group. */
  readonly group?: string;
  /** Its API version. */
  readonly version?: string;
  /** Its kind. */
  readonly kind: string;
  /** Its namespace; absent where it has none. */
  readonly namespace?: string;
  /** Its name. */
  readonly name: string;
  /** How it compares with the sources; absent for hooks. */
  readonly status?: "Synced" | "OutOfSync" | "Unknown" | (string & {});
  readonly health?: DetailHealth;
  /** True where the sources no longer have it. */
  readonly requiresPruning?: boolean;
  /** True for a hook of a sync. */
  readonly hook?: boolean;
}

/** What the last sync did, resource by resource. Absent where there was none. */
export interface OperationResult {
  /** The resources that it was about. */
  readonly resources: ReadonlyArray<Applied>;
}

/** What the last sync did to one resource. */
export interface Applied {
  /** Its API group; absent for the core group. */
  readonly group?: string;
  /** Its API version. */
  readonly version?: string;
  /** Its kind. */
  readonly kind: string;
  /** Its namespace; absent where it has none. */
  readonly namespace?: string;
  /** Its name. */
  readonly name: string;
  /** What became of it. */
  readonly status?: "Synced" | "SyncFailed" | "Pruned" | "PruneSkipped" | (string & {});
  /** What Kubernetes said. */
  readonly message?: string;
  /** How a hook stands. */
  readonly hookPhase?: "Running" | "Terminating" | "Failed" | "Error" | "Succeeded" | (string & {});
  /** When a hook runs, such as PreSync. */
  readonly hookType?: string;
  /** The phase of the sync that it belongs to. */
  readonly syncPhase?: string;
}

/** The resource tree: what the application manages, and what came of that. Absent until known. */
export interface Tree {
  /** The resources. */
  readonly nodes: ReadonlyArray<Node>;
  /** How many more there are, beyond 5,000. */
  readonly omitted?: number;
}

/** A resource of the tree. */
export interface Node {
  /** What Kubernetes knows it by; absent where it is missing. */
  readonly uid?: string;
  /** Its API group; absent for the core group. */
  readonly group?: string;
  /** Its API version. */
  readonly version?: string;
  /** Its kind. */
  readonly kind: string;
  /** Its namespace; absent where it has none. */
  readonly namespace?: string;
  /** Its name. */
  readonly name: string;
  /** The `uid`s of the resources that it belongs to; absent at the root. */
  readonly parents?: ReadonlyArray<string>;
  readonly health?: DetailHealth;
  /** The images of its containers. */
  readonly images?: ReadonlyArray<string>;
  /** What Argo CD tells of it in a few words, such as how many containers are ready. */
  readonly info?: ReadonlyArray<{
    /** What is told. */
    readonly name: string;
    /** What it is. */
    readonly value: string;
  }>;
  /** When it was created. */
  readonly createdAt?: string;
}

/** A rollout: a new version that replaces the stable one step by step, or at once after a look. */
export interface Rollout {
  /** Its name. */
  readonly name: string;
  /** Its namespace. */
  readonly namespace: string;
  /** How the new version comes. Absent where the manifest names neither. */
  readonly strategy?: "canary" | "blueGreen" | (string & {});
  /** Argo Rollouts' word for how it stands; Progressing where its controller hasn't seen yet what is wanted. */
  readonly phase?: "Healthy" | "Degraded" | "Progressing" | "Paused" | (string & {});
  /** What its controller says of that. */
  readonly message?: string;
  /** The step that is under way, counted from 1. Absent where none is. */
  readonly step?: number;
  /** The steps of a canary, at most 100. */
  readonly steps?: ReadonlyArray<Step>;
  /** The share of traffic that the new version has, in percent: as a traffic router was told, else its share of the pods that are available. */
  readonly weight?: number;
  /** The share that it is to have at this step, in percent. */
  readonly desiredWeight?: number;
  /** Since when it pauses. */
  readonly pausedSince?: string;
  /** Why it pauses. */
  readonly pauseReason?: "CanaryPauseStep" | "BlueGreenPause" | "InconclusiveAnalysisRun" | "Paused" | (string & {});
  /** When the pause ends by itself. Absent where somebody must promote it. */
  readonly pauseEndsAt?: string;
  readonly stableRevision?: PodTemplate;
  /** The new version. Absent where there is none but the stable one. */
  readonly canaryRevision?: PodTemplate;
  /** Its pods. */
  readonly replicas?: {
    /** How many are wanted. */
    readonly desired: number;
    /** How many are ready. */
    readonly ready: number;
    /** How many are of the new version. */
    readonly updated: number;
    /** How many are available. */
    readonly available: number;
  };
  /** What only a blue-green rollout has. */
  readonly blueGreen?: {
    /** The service that everybody uses. */
    readonly activeService?: string;
    /** The service that shows the new version before. */
    readonly previewService?: string;
    /** The hash of the version behind the first. */
    readonly activeRevision?: string;
    /** The hash of the version behind the second. */
    readonly previewRevision?: string;
    /** Whether the new version is promoted without anybody's say. */
    readonly autoPromotion: boolean;
    /** After how many seconds. */
    readonly autoPromotionSeconds?: number;
  };
  /** True where it was aborted: the stable version serves all. */
  readonly aborted?: boolean;
  /** When it was. */
  readonly abortedAt?: string;
  /** Why it was. */
  readonly reason?: string;
  /** True while somebody's wish to skip all further steps is being carried out. */
  readonly promotedFully?: boolean;
  /** The analyses of the new version, or of the one that came last, at most 10, the newest first. */
  readonly analysisRuns?: ReadonlyArray<AnalysisRun>;
}

/** A step of a canary. */
export interface Step {
  /** What it does. */
  readonly kind: "setWeight" | "pause" | "analysis" | "experiment" | "setCanaryScale" | "setHeaderRoute" | "setMirrorRoute" | "plugin" | (string & {});
  /** The share that it sets, in percent. */
  readonly weight?: number;
  /** The number of pods that it sets. */
  readonly replicas?: number;
  /** How long it pauses, in seconds. A pause without one waits for somebody. */
  readonly duration?: number;
  /** The analyses that it runs. */
  readonly templates?: ReadonlyArray<string>;
  /** Whether it is done. It is failed where its analysis had the rollout aborted. */
  readonly state: "done" | "current" | "ahead" | "failed" | (string & {});
}

/** A version of the pods. */
export interface PodTemplate {
  /** The hash in the name of its ReplicaSet. */
  readonly hash: string;
  /** Its images, where they are known. */
  readonly images?: ReadonlyArray<string>;
}

/** A series of measurements that decides whether a rollout goes on. */
export interface AnalysisRun {
  /** Its name. */
  readonly name: string;
  /** How it stands. */
  readonly phase: "Pending" | "Running" | "Successful" | "Failed" | "Error" | "Inconclusive" | (string & {});
  /** Why. */
  readonly message?: string;
  /** What it belongs to. Absent where an experiment runs it. */
  readonly type?: "Step" | "Background" | "PrePromotion" | "PostPromotion" | (string & {});
  /** The step that it belongs to, counted from 1. */
  readonly step?: number;
  /** When it began. */
  readonly startedAt?: string;
  /** When it ended. */
  readonly completedAt?: string;
  /** What it measures, at most 50. */
  readonly metrics?: ReadonlyArray<Metric>;
}

/** What is measured, and with which result. */
export interface Metric {
  /** Its name. */
  readonly name: string;
  /** How it stands. */
  readonly phase: "Pending" | "Running" | "Successful" | "Failed" | "Error" | "Inconclusive" | (string & {});
  /** Why. */
  readonly message?: string;
  /** Measurements that were good. */
  readonly successful: number;
  /** Measurements that were bad. */
  readonly failed: number;
  /** Measurements that were neither. */
  readonly inconclusive: number;
  /** Measurements that couldn't be made. */
  readonly error: number;
  /** How many may fail. */
  readonly limit: number;
  /** How many there will be. Absent where they go on until the analysis is stopped. */
  readonly count?: number;
  /** True where it decides nothing. */
  readonly dryRun?: boolean;
  /** Who is asked: `prometheus`, `job`, … */
  readonly provider?: string;
  /** What is asked, in the provider's language. */
  readonly query?: string;
  /** What makes a value good. */
  readonly condition?: string;
  /** What makes a value bad. */
  readonly failureCondition?: string;
  /** The last 10 measurements, the oldest first. */
  readonly values?: ReadonlyArray<Measurement>;
}

/** One measurement. */
export interface Measurement {
  /** The value as the provider answered. */
  readonly value?: string;
  /** What came of it. */
  readonly phase: "Pending" | "Running" | "Successful" | "Failed" | "Error" | "Inconclusive" | (string & {});
  /** When it was made. */
  readonly at?: string;
  /** Why it couldn't be made. */
  readonly message?: string;
}

/** Why the application isn't well: one cause. */
export interface Explanation {
  /** What it is, for programs. Another condition of Argo CD's has its own type as its code, in this form. */
  readonly code: "comparison-error" | "invalid-spec-error" | "sync-error" | "deletion-error" | "unknown-error" | "orphaned-resource-warning" | "shared-resource-warning" | "repeated-resource-warning" | "excluded-resource-warning" | "operation-failed" | "degraded" | "missing" | "unknown-health" | "suspended" | "progressing" | "out-of-sync" | "deleting" | (string & {});
  /** The same for people, in one or two English sentences. */
  readonly text: string;
  /** Since when. */
  readonly since?: string;
  /** True where it may be older than `since`: the gateway found it so when it first looked. */
  readonly atLeast?: boolean;
  /** What is usually done. */
  readonly advice?: string;
  /** What to run to learn more. */
  readonly command?: string;
  /** The resources that it is about, at most 20. */
  readonly subjects?: ReadonlyArray<string>;
  /** What was deployed last before that. */
  readonly deployment?: {
    /** One revision for each source. */
    readonly revisions?: ReadonlyArray<string>;
    /** When that began. */
    readonly startedAt?: string;
    readonly initiatedBy?: InitiatedBy;
  };
}

/** Where people find more. A link that nobody can tell is absent. */
export interface Links {
  /** The application in Argo CD; there where `ARGOCD_PUBLIC_URL` is set. */
  readonly argocd?: string;
  /** The revision that was compared. */
  readonly commit?: string;
  /** What changed between the revision deployed before and this one. */
  readonly compare?: string;
}

/** How complete the detail is. */
export interface Parts {
  readonly tree: Part;
  readonly resources: Part;
  readonly revisions: Part;
  /** Absent where there are no rollouts. */
  readonly rollouts?: Part;
}

/** How complete a part is. */
export interface Part {
  /** `failed`: it couldn't be got, or not anew; what is shown of it is what was known before, and it is tried again. */
  readonly state: "loading" | "ready" | "failed" | (string & {});
  /** Why it failed. */
  readonly reason?: "refused" | "forbidden" | "not-found" | "too-large" | "unreachable" | "answered-badly" | "unhealthy" | (string & {});
}

/** How the gateway's line to Argo CD is. */
export interface Upstream {
  /** `connecting`: the first state isn't complete yet. `live`: what is shown follows Argo CD. `stale`: the line is lost or silent; what is shown is as old as `since`. `down`: Argo CD refuses the gateway, or hasn't been reached for a minute. */
  readonly state: "connecting" | "live" | "stale" | "down";
  /** Since when that state holds; for `stale` and `down`, until when what is shown could be trusted. */
  readonly since: string;
  /** Why it isn't live. */
  readonly reason?: "starting" | "refused" | "permission-lost" | "too-large" | "unreachable" | "answered-badly" | "unhealthy" | "ended" | "silent" | (string & {});
  /** When the last comparison of everything with Argo CD ended: how old the proof is that nothing is missing. Absent before the first. */
  readonly verifiedAt?: string;
}

/** How sure it is that something belongs to the change, and why. */
export interface TimelineLink {
  /** How sure: `certain` by a digest or by what CI says, `strong` by a SHA in a tag or a trailer, `likely` by a message, `weak` by what whoever asked for the sync claims. */
  readonly grade: "certain" | "strong" | "likely" | "weak" | (string & {});
  /** Sentences for people, the deciding one first. */
  readonly evidence: ReadonlyArray<string>;
}

/** A part of a stage: a job, an image, one of several commits. */
export interface Item {
  /** What it is. */
  readonly title: string;
  /** How it ended, or how it is. */
  readonly state?: string;
  /** What kind it is: `build`, `test`, `scan`, … */
  readonly kind?: string;
  /** When it began. */
  readonly startedAt?: string;
  /** When it ended. */
  readonly finishedAt?: string;
  /** More of it, in words. */
  readonly detail?: string;
  /** Where to read on. */
  readonly url?: string;
  /** A scan's findings by severity, in the scanner's words. */
  readonly counts?: Readonly<Record<string, number>>;
  readonly link?: TimelineLink;
}

/** One stage of a change. */
export interface Stage {
  /** Which; all seven are there, in this order. */
  readonly stage: "commit" | "build" | "image" | "manifest" | "sync" | "rollout" | "healthy" | (string & {});
  /** How far it is. */
  readonly state: "done" | "running" | "failed" | "skipped" | "unknown" | (string & {});
  /** What it is, in short. */
  readonly title?: string;
  /** When it began. */
  readonly startedAt?: string;
  /** When it ended. */
  readonly finishedAt?: string;
  /** More of it, in words. */
  readonly detail?: string;
  /** Where to read on. */
  readonly url?: string;
  /** Its parts. */
  readonly items?: ReadonlyArray<Item>;
  readonly link?: TimelineLink;
}

/** One change of one application: one operation of Argo CD, and what belongs to it. */
export interface TimelineChange {
  /** Its id; it never changes. */
  readonly id: string;
  /** The application's key. */
  readonly application: string;
  /** Its Argo CD project. */
  readonly project?: string;
  /** Its service. */
  readonly service?: string;
  /** Its environment. */
  readonly environment?: string;
  /** Its team. */
  readonly team?: string;
  /** What became of it. */
  readonly outcome: "running" | "progressing" | "succeeded" | "failed" | "rolled-back" | "superseded" | (string & {});
  /** What it was; only deployments and rollbacks count. */
  readonly kind: "deployment" | "rollback" | "restart" | "self-heal" | "partial" | "dry-run" | "refresh" | (string & {});
  /** Whether Argo CD began it by itself. */
  readonly automated?: boolean;
  /** Who began it. */
  readonly initiatedBy?: string;
  /** The revisions that were synced, one for each source. */
  readonly revisions?: ReadonlyArray<string>;
  /** The images that it set. */
  readonly images?: ReadonlyArray<string>;
  /** When the operation began. */
  readonly startedAt?: string;
  /** When its outcome was decided. Absent while it is open. */
  readonly endedAt?: string;
  /** Whether it was found in Argo CD's history, its course unseen. */
  readonly seeded?: boolean;
  /** Its stages. */
  readonly stages?: ReadonlyArray<Stage>;
  /** How long its parts took, in seconds; what can't be known is absent. */
  readonly durations?: {
    /** The run of CI that built it. */
    readonly build?: number;
    /** From the push of its source commit to Healthy. */
    readonly pipeline?: number;
    /** From the manifests' commit until Argo CD compared with it. */
    readonly detect?: number;
    /** From then until the operation began. */
    readonly wait?: number;
    /** The operation. */
    readonly apply?: number;
    /** From the manifests' commit to the operation's end. */
    readonly sync?: number;
    /** From the operation's end to Healthy. */
    readonly rollout?: number;
    /** From the source commit to Healthy. */
    readonly lead?: number;
  };
  /** For a rollback: what it took back. For what was taken back: by what. */
  readonly rollback?: {
    /** A new revision with earlier images, Argo CD's own rollback, or a rollout that was aborted. */
    readonly how: "revert" | "argocd" | "abort" | (string & {});
    /** The id of what was taken back. */
    readonly of?: string;
    /** The id of what took it back. */
    readonly by?: string;
    /** When. */
    readonly at?: string;
  };
  /** The id of the change that came before this was healthy. */
  readonly supersededBy?: string;
  /** Why something couldn't be linked. */
  readonly remarks?: ReadonlyArray<string>;
  /** How the service did before and after, where a Prometheus was asked; absent until the time after it is over. */
  readonly effects?: {
    /** In seconds. */
    readonly latency?: Effect;
    /** The share of requests that failed. */
    readonly errors?: Effect;
  };
}

/** One measurement of a service before and after a deployment, by a Prometheus. */
export interface Effect {
  /** As of the start of the operation. */
  readonly before?: number;
  /** As of some time after its end. */
  readonly after?: number;
  /** Why one of the two, or both, are absent, for people. */
  readonly why?: string;
}

/** The state at a position. */
export interface Pipelines {
  readonly position: string;
  readonly upstream: Upstream;
  readonly applications: ReadonlyArray<Application>;
}

/** One application at a position. */
export interface Pipeline {
  readonly position: string;
  readonly upstream: Upstream;
  readonly application: ApplicationInFull;
}

/** An application, its messages whole, with its history. */
export interface ApplicationInFull extends Application {
  /** Argo CD's own history: full, successful syncs, the oldest first. */
  readonly history: ReadonlyArray<Deployment>;
}

/** One full, successful sync. */
export interface Deployment {
  /** Argo CD's number for it, such as a rollback names. */
  readonly id: number;
  /** What was synced to, one revision for each source. */
  readonly revisions?: ReadonlyArray<string>;
  /** When it began. */
  readonly startedAt?: string;
  /** When it was done. */
  readonly deployedAt?: string;
  readonly initiatedBy?: InitiatedBy;
}

/** What changed since a moment. */
export interface Changes {
  readonly position: string;
  /** The moment that was asked for. */
  readonly since: string;
  /** Whether these are all changes since then. */
  readonly complete: boolean;
  /** Only where `complete` is false: since when they are all, or where the limit cut them off. */
  readonly from?: string;
  /** The changes, newest first. */
  readonly changes: ReadonlyArray<ListedChange>;
}

/** One change of one application. */
export interface ListedChange {
  /** When the gateway learned of it. */
  readonly at: string;
  /** Its place among all changes of this epoch. */
  readonly offset: number;
  readonly key: string;
  readonly name: string;
  readonly namespace: string;
  readonly project?: string;
  /** `added` and `removed` are meant as the selection sees it. */
  readonly kind: "added" | "changed" | "removed" | (string & {});
  readonly before?: Side;
  readonly after?: Side;
}

/** One side of a change: of one that is `changed` the fields that differ (an absent field was absent), otherwise the whole document. */
export interface Side {
  readonly key?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly project?: string;
  readonly service?: string;
  readonly environment?: string;
  readonly team?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly owner?: Owner;
  readonly destination?: Destination;
  readonly sources?: ReadonlyArray<Source>;
  readonly autoSync?: AutoSync;
  readonly sync?: Sync;
  readonly health?: Health;
  readonly operation?: Operation;
  readonly images?: ReadonlyArray<string>;
  readonly urls?: ReadonlyArray<string>;
  readonly conditions?: ReadonlyArray<Condition>;
  readonly createdAt?: string;
  readonly deletionTimestamp?: string;
}

/** The data of a `snapshot` of one application's stream: replace what you hold. */
export interface DetailSnapshot {
  readonly reason: "new" | "epoch" | "view" | "trimmed" | "lagged" | (string & {});
  readonly position: string;
  /** The application in detail; null where it is gone. */
  readonly detail: Detail | null;
}

/** The data of a `delta` of one application's stream: assign the fields, each whole; null removes one. With `removed` the application is gone: hold nothing. If it comes back, its fields come in `changed`. */
export interface DetailDelta {
  readonly reason?: "resumed" | (string & {});
  /** The fields that changed. */
  readonly changed: {
    readonly key?: string;
    readonly name?: string;
    readonly namespace?: string;
    readonly project?: string | null;
    readonly service?: string | null;
    readonly environment?: string | null;
    readonly team?: string | null;
    readonly labels?: Readonly<Record<string, string>> | null;
    readonly owner?: Owner | null;
    readonly destination?: Destination | null;
    readonly sources?: ReadonlyArray<Source> | null;
    readonly autoSync?: AutoSync | null;
    readonly sync?: Sync | null;
    readonly health?: Health | null;
    readonly operation?: Operation | null;
    readonly images?: ReadonlyArray<string> | null;
    readonly urls?: ReadonlyArray<string> | null;
    readonly conditions?: ReadonlyArray<Condition> | null;
    readonly createdAt?: string | null;
    readonly deletionTimestamp?: string | null;
    readonly history?: ReadonlyArray<Deployment> | null;
    readonly revisions?: Readonly<Record<string, Commit>> | null;
    readonly resources?: ReadonlyArray<Resource> | null;
    readonly operationResult?: OperationResult | null;
    readonly tree?: Tree | null;
    readonly rollouts?: ReadonlyArray<Rollout> | null;
    readonly timeline?: ReadonlyArray<TimelineChange> | null;
    readonly explanations?: ReadonlyArray<Explanation> | null;
    readonly links?: Links | null;
    readonly parts?: Parts | null;
  };
  /** True where the application is gone; then nothing is in `changed`. */
  readonly removed?: boolean;
}

/** Figures of deployments and builds. What can't be known is absent. */
export interface Kpis {
  /** From when on. */
  readonly since: string;
  /** Until when. */
  readonly until: string;
  /** What is grouped by. */
  readonly by: string;
  /** How long the parts of the course are. */
  readonly bucket: string;
  /** The targets. */
  readonly slos: ReadonlyArray<{
    /** `build`, `pipeline`, `lead` or `sync`, for times; `builds` or `deployments`, for their success. */
    readonly name: string;
    /** The share that has to keep it. */
    readonly objective: number;
    /** The time, in `unit`. */
    readonly target?: number;
    /** `s`, seconds. */
    readonly unit?: string;
  }>;
  /** The groups. */
  readonly groups: ReadonlyArray<{
    /** What is grouped by. */
    readonly by: string;
    /** The group's name; `all` where nothing is grouped. */
    readonly name: string;
    /** Deployments and rollbacks. */
    readonly deployments: number;
    /** Of these, those that were Healthy in time and not rolled back soon. */
    readonly succeeded: number;
    /** Those that weren't; what is still open, or was superseded, is neither. */
    readonly failed: number;
    /** Those that were rolled back. */
    readonly rolledBack: number;
    /** Runs of CI. Absent if none is known. */
    readonly builds?: number;
    /** By clock. */
    readonly durations: {
      /** The run of CI that built it. */
      readonly build?: {
        /** The median. */
        readonly p50: number;
        /** The 90th percentile. */
        readonly p90: number;
        /** The 99th percentile. */
        readonly p99: number;
        /** Of how many. */
        readonly count: number;
      };
      /** From the push of its source commit to Healthy. */
      readonly pipeline?: {
        /** The median. */
        readonly p50: number;
        /** The 90th percentile. */
        readonly p90: number;
        /** The 99th percentile. */
        readonly p99: number;
        /** Of how many. */
        readonly count: number;
      };
      /** From the manifests' commit until Argo CD compared with it. */
      readonly detect?: {
        /** The median. */
        readonly p50: number;
        /** The 90th percentile. */
        readonly p90: number;
        /** The 99th percentile. */
        readonly p99: number;
        /** Of how many. */
        readonly count: number;
      };
      /** From then until the operation began. */
      readonly wait?: {
        /** The median. */
        readonly p50: number;
        /** The 90th percentile. */
        readonly p90: number;
        /** The 99th percentile. */
        readonly p99: number;
        /** Of how many. */
        readonly count: number;
      };
      /** The operation. */
      readonly apply?: {
        /** The median. */
        readonly p50: number;
        /** The 90th percentile. */
        readonly p90: number;
        /** The 99th percentile. */
        readonly p99: number;
        /** Of how many. */
        readonly count: number;
      };
      /** From the manifests' commit to the operation's end. */
      readonly sync?: {
        /** The median. */
        readonly p50: number;
        /** The 90th percentile. */
        readonly p90: number;
        /** The 99th percentile. */
        readonly p99: number;
        /** Of how many. */
        readonly count: number;
      };
      /** From the operation's end to Healthy. */
      readonly rollout?: {
        /** The median. */
        readonly p50: number;
        /** The 90th percentile. */
        readonly p90: number;
        /** The 99th percentile. */
        readonly p99: number;
        /** Of how many. */
        readonly count: number;
      };
      /** From the source commit to Healthy. */
      readonly lead?: {
        /** The median. */
        readonly p50: number;
        /** The 90th percentile. */
        readonly p90: number;
        /** The 99th percentile. */
        readonly p99: number;
        /** Of how many. */
        readonly count: number;
      };
    };
    /** Shares that succeeded. */
    readonly successRate: {
      /** Of builds. */
      readonly builds?: number;
      /** Of deployments that are decided. */
      readonly deployments?: number;
    };
    /** DORA's four. */
    readonly dora: {
      /** Successful deployments a day. */
      readonly deploymentFrequency?: number;
      /** The median from commit to Healthy, in seconds. */
      readonly leadTime?: number;
      /** The share of decided deployments that failed. */
      readonly changeFailureRate?: number;
      /** The median from a failure to the next success, in seconds. */
      readonly timeToRestore?: number;
    };
    /** How much of each target's error budget is spent. */
    readonly budgets: ReadonlyArray<{
      /** The target's name. */
      readonly slo: string;
      /** The share that has to keep it. */
      readonly objective: number;
      /** The time, in seconds. */
      readonly target?: number;
      /** Of how many. */
      readonly count: number;
      /** How many didn't keep it. */
      readonly breaches: number;
      /** The share of the budget that is spent; more than 1 is overspent. */
      readonly spent: number;
      /** What is left of it; negative if overspent. */
      readonly remaining: number;
    }>;
    /** The course, in order. */
    readonly buckets: ReadonlyArray<{
      /** When it began. */
      readonly start: string;
      /** Deployments in it. */
      readonly deployments: number;
      /** Those that failed. */
      readonly failed: number;
      /** From commit to Healthy. */
      readonly lead?: {
        /** The median. */
        readonly p50: number;
        /** The 90th percentile. */
        readonly p90: number;
      };
      /** From manifest to synced. */
      readonly sync?: {
        /** The median. */
        readonly p50: number;
        /** The 90th percentile. */
        readonly p90: number;
      };
    }>;
  }>;
}

/** What senders posted, the newest first. */
export interface Deliveries {
  /** The deliveries. */
  readonly deliveries: ReadonlyArray<{
    /** Its number in the log. */
    readonly id: number;
    /** Who sent it. */
    readonly sender: "argocd" | "argo-workflows" | "cdevents" | "github" | "gitlab" | "registry" | "trivy" | (string & {});
    /** What the sender calls it. Absent where it wasn't believed or couldn't be read. */
    readonly deliveryId?: string;
    /** What it was. */
    readonly event?: string;
    /** When it came. */
    readonly receivedAt: string;
    /** What became of it. */
    readonly outcome: "accepted" | "processed" | "ignored" | "rejected" | "failed" | (string & {});
    /** Why, where that isn't plain: why it was refused or ignored, or that nothing asked for what it told. */
    readonly why?: string;
    /** Its body's bytes. */
    readonly size: number;
    /** How many facts it told. */
    readonly facts?: number;
    /** How many of them some deployment asked for. */
    readonly matched?: number;
    /** How often it came again. */
    readonly repeats?: number;
    /** Whether it can be processed again. */
    readonly redeliverable: boolean;
  }>;
  /** `before` of the next page. Absent on the last. */
  readonly next?: number;
}

/** What became of a delivery so far: it is kept. */
export interface Receipt {
  /** Its number in the log. */
  readonly id: number;
  /** `accepted`: it will be processed at once; `ignored`: there is nothing in it of use; `duplicate`: it came before, and nothing is done. */
  readonly outcome: "accepted" | "ignored" | "duplicate" | (string & {});
  /** Why it is ignored. */
  readonly why?: string;
}

/** Whether a commit is ready to be released, and why. */
export interface Checklist {
  /** The commit; only the digits that were asked for where nobody told of it. */
  readonly sha: string;
  /** `ready`: every item is `ok`. `not-ready`: one is `failed` or `pending`. `unknown`: none is, but one is `unknown`. */
  readonly state: "ready" | "not-ready" | "unknown" | (string & {});
  /** When that was. */
  readonly checkedAt: string;
  /** Where the commit is, as `host/path`. */
  readonly repositories?: ReadonlyArray<string>;
  /** The keys of the applications that it concerns: made from its repository, or from images that are built of it. */
  readonly applications: ReadonlyArray<string>;
  /** CI, scans and Argo CD, in this order. */
  readonly items: ReadonlyArray<ChecklistItem>;
}

/** One item of a checklist. */
export interface ChecklistItem {
  /** `ci`: every run for the commit succeeded. `scan`: what was found passes the gate. `sync`: Argo CD would sync every application. */
  readonly item: "ci" | "scan" | "sync" | (string & {});
  /** `pending` gets better by waiting, `failed` doesn't; `unknown` is what nobody told. */
  readonly state: "ok" | "failed" | "pending" | "unknown" | (string & {});
  /** In a sentence, for people. */
  readonly why: string;
  /** Further sentences, what isn't well first; 50 at most. */
  readonly evidence?: ReadonlyArray<string>;
}

/** What became of the wish. */
export interface Refreshed {
  /** The application's key. */
  readonly application: string;
  /** `asked`: Argo CD compares, or has just done so; `recent`: it was asked within the last ten seconds, and isn't asked again. */
  readonly outcome: "asked" | "recent" | (string & {});
}

/** Whoever asks, as far as the gateway could tell. */
export interface Me {
  /** Whether nothing was shown that says who asks. */
  readonly anonymous: boolean;
  /** What they are called, for people. */
  readonly name?: string;
  /** What the access file knows them by, as a user. */
  readonly subject?: string;
  /** How they were recognised. */
  readonly method?: "token" | "proxy" | "oidc" | "bearer" | (string & {});
  /** The groups that their credentials name. */
  readonly groups?: ReadonlyArray<string>;
  /** When what they showed ends for good. Absent where nobody knows. */
  readonly until?: string;
  /** What they may do to any application; with `application`, to that one: nothing, if it may not be seen. */
  readonly verbs: ReadonlyArray<"view" | "webhooks" | "refresh" | "admin" | (string & {})>;
  /** The application that was asked about. */
  readonly application?: string;
  /** The path at which people log in, where they can. */
  readonly login?: string;
  /** The path at which whoever logged in logs out. */
  readonly logout?: string;
}
