/* Two rules of the model in scalar C, the yardstick for the compiled kernels: the proposal of growth (M2) and the
 * stock of knowledge with its patents (M4). Columns lie apart, as in the model; draws are the same keyed hashes. */

#include <math.h>
#include <stdint.h>

static const uint64_t GAMMA = 0x9E3779B97F4A7C15ULL;

static uint64_t mix(uint64_t word) {
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9ULL;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EBULL;
    return word ^ (word >> 31);
}

static double uniform(uint64_t key, int64_t identity) {
    double u = ((double)(mix(key + (uint64_t)identity * GAMMA) >> 11) + 0.5) / 9007199254740992.0;
    double largest = 1.0 - 1.0 / 9007199254740992.0;
    return u < largest ? u : largest;
}

static double ratio(const double *top, const double *bottom, double r) {
    double numerator = top[7], denominator = bottom[6];
    for (int k = 6; k >= 0; k--) numerator = numerator * r + top[k];
    for (int k = 5; k >= 0; k--) denominator = denominator * r + bottom[k];
    return numerator / (denominator * r + 1.0);
}

/* Wichura 1988, AS 241. */
static double normal_quantile(double u) {
    static const double A[8] = {3.387132872796366608, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125,
                                45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727};
    static const double B[7] = {42.313330701600911252, 687.1870074920579083, 5394.1960214247511077, 21213.794301586595867,
                                39307.89580009271061, 28729.085735721942674, 5226.495278852545925};
    static const double C[8] = {1.42343711074968357734, 4.6303378461565452959, 5.7694972214606914055, 3.64784832476320460504,
                                1.27045825245236838258, 0.24178072517745061177, 0.0227238449892691845833, 7.7454501427834140764e-4};
    static const double D[7] = {2.05319162663775882187, 1.6763848301838038494, 0.68976733498510000455, 0.14810397642748007459,
                                0.0151986665636164571966, 5.475938084995344946e-4, 1.05075007164441684324e-9};
    static const double E[8] = {6.6579046435011037772, 5.4637849111641143699, 1.7848265399172913358, 0.29656057182850489123,
                                0.026532189526576123093, 0.0012426609473880784386, 2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double F[7] = {0.59983220655588793769, 0.13692988092273580531, 0.0148753612908506148525, 7.868691311456132591e-4,
                                1.8463183175100546818e-5, 1.4215117583164458887e-7, 2.04426310338993978564e-15};
    double q = u - 0.5;
    if (fabs(q) <= 0.425) return q * ratio(A, B, 0.180625 - q * q);
    double r = sqrt(-log(q < 0.0 ? u : 1.0 - u));
    double value = r <= 5.0 ? ratio(C, D, r - 1.6) : ratio(E, F, r - 5.0);
    return q < 0.0 ? -value : value;
}

typedef struct {
    double volatility, exponent, reference, dispersion, decay, largest, selection, rationed_loss;
} Growth;

void propose_growth(int64_t count, int64_t quarter, uint64_t year_key, uint64_t quarter_key, const int8_t *alive,
                    const int8_t *industry, const int16_t *born, const int64_t *identity, const double *sales,
                    const double *productivity, const double *rationed, const double *demand, const double *mean,
                    const Growth *p, double *sigma_out, double *growth_out, double *proposed) {
    double youth[321];
    for (int age = 0; age <= 320; age++) youth[age] = 1.0 + p->dispersion * exp(-0.25 * age / p->decay);
    for (int64_t i = 0; i < count; i++) {
        if (alive[i] == 0) continue;
        int s = industry[i];
        int64_t age = quarter - born[i];
        double sigma = p->volatility * pow(4.0 * sales[i] / p->reference, -p->exponent);
        sigma = (sigma < p->largest ? sigma : p->largest) * youth[age < 320 ? age : 320];
        double variance = -log(uniform(year_key, identity[i]));
        double luck = 0.5 * sigma * sqrt(variance) * normal_quantile(uniform(quarter_key, identity[i]));
        double growth = demand[s] + 0.25 * p->selection * (productivity[i] - mean[s]) - p->rationed_loss * rationed[i] + luck;
        sigma_out[i] = sigma;
        growth_out[i] = growth;
        proposed[s] += sales[i] * exp(growth);
    }
}

typedef struct {
    double depreciation, elasticity, decay, season, deflator;
} Knowledge;

static double poisson_quantile(double u, double mean) {
    if (mean > 600.0) return fmax(0.0, floor(mean + sqrt(mean) * normal_quantile(u) + 0.5));
    double term = exp(-mean), total = term, number = 0.0;
    while (total < u && (number < mean || term > 1e-18)) {
        number += 1.0;
        term *= mean / number;
        total += term;
    }
    return number;
}

double accumulate_knowledge(int64_t count, uint64_t key, const int8_t *alive, const int8_t *does, const int8_t *industry,
                            const int64_t *identity, const double *intensity, const double *sales,
                            const double *productivity, const Knowledge *p, double *stock, double *last,
                            double *before_last, double *patents) {
    double granted = 0.0;
    for (int64_t i = 0; i < count; i++) {
        if (alive[i] == 0 || does[i] == 0) continue;
        double research = intensity[i] * sales[i] * p->season;
        stock[i] = stock[i] * pow(1.0 - p->depreciation, 0.25) + before_last[i];
        before_last[i] = last[i];
        last[i] = research;
        double real = 4.0 * intensity[i] * sales[i] / p->deflator;
        double mean = 0.25 * productivity[industry[i]] * pow(real / 100.0, p->elasticity);
        double fresh = poisson_quantile(uniform(key, identity[i]), mean);
        patents[i] = patents[i] * (1.0 - p->decay) + fresh;
        granted += fresh;
    }
    return granted;
}
